/* SPDX-License-Identifier: MIT */
#include "mw_check_link.h"

#include "mw_check_port.h"

#define CRC_START UINT32_C(0xffffffff)

enum { IN_PAYLOAD, AT_CRC, AT_NEWLINE, PEER_GONE };

static uint32_t crc_in, crc_out = CRC_START;
static uint8_t where, any;

/* A few characters a write: one by one is slow where every write is a system call. */
static char waiting[32];
static uint8_t n_waiting;

/* CRC-32/ISO-HDLC, the one of zlib and Ethernet, a bit a step: there is no room for tables. */
static uint32_t crc_step(uint32_t crc, uint8_t byte)
{
    crc ^= byte;
    for (uint8_t bit = 0; bit < 8; ++bit) {
        crc = (crc >> 1) ^ (UINT32_C(0xedb88320) & (UINT32_C(0) - (crc & 1)));
    }
    return crc;
}

static int digit(int c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return (c >= 'a' && c <= 'f') ? c - 'a' + 10 : -1;
}

void mw_link_begin(void)
{
    crc_in = CRC_START;
    where = IN_PAYLOAD;
    any = 0;
}

/* The next character of the line, CRC included; -1 at the newline. */
static int receive(void)
{
    const int c = mw_check_read();
    if (c < 0 || c == '\n') {
        where = c < 0 ? PEER_GONE : AT_NEWLINE;
        return -1;
    }
    any = 1;
    return c;
}

int mw_link_next(void)
{
    int c;
    if (where != IN_PAYLOAD) {
        return -1;
    }
    c = receive();
    if (c == '*') {
        where = AT_CRC;
        return -1;
    }
    if (c >= 0) {
        crc_in = crc_step(crc_in, (uint8_t) c);
    }
    return c;
}

int mw_link_byte(void)
{
    const int high = digit(mw_link_next());
    const int low = digit(mw_link_next());
    return (high < 0 || low < 0) ? -1 : (high << 4) | low;
}

uint32_t mw_link_number(int *ok)
{
    uint32_t number = 0;
    for (uint8_t i = 0; i < 4; ++i) {
        const int byte = mw_link_byte();
        if (byte < 0) {
            *ok = 0;
        }
        number = (number << 8) | (uint8_t) byte;
    }
    return number;
}

int mw_link_at_end(void)
{
    return mw_link_next() < 0;
}

int mw_link_end(void)
{
    uint32_t crc = 0;
    uint8_t n = 0;
    while (mw_link_next() >= 0) {
    }
    while (where == AT_CRC) {
        const int value = digit(receive());
        if (where == AT_CRC) {
            crc = (crc << 4) | (uint32_t) (value & 15);
            n = (uint8_t) (value < 0 || n > 8 ? 9 : n + 1);
        }
    }
    if (where == PEER_GONE) {
        return MW_LINK_GONE;
    }
    if (!any) {
        return MW_LINK_EMPTY;
    }
    return (n == 8 && crc == (crc_in ^ CRC_START)) ? MW_LINK_WHOLE : MW_LINK_GARBLED;
}

static void put(char c)
{
    crc_out = crc_step(crc_out, (uint8_t) c);
    waiting[n_waiting++] = c;
    if (n_waiting == sizeof waiting) {
        mw_check_write(waiting, n_waiting);
        n_waiting = 0;
    }
}

void mw_link_text(const char *text)
{
    for (; *text != '\0'; ++text) {
        put(*text);
    }
}

void mw_link_decimal(uint32_t value)
{
    char text[12];
    char *first = text + sizeof text - 1;
    *first = '\0';
    do {
        *--first = (char) ('0' + (char) (value % 10));
        value /= 10;
    } while (value != 0);
    *--first = ' ';
    mw_link_text(first);
}

static void put_digit(uint8_t value)
{
    put((char) (value < 10 ? '0' + value : 'a' - 10 + value));
}

static void put_byte(uint8_t byte)
{
    put_digit((uint8_t) (byte >> 4));
    put_digit(byte & 15);
}

void mw_link_image(const void *data, size_t size)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < size; ++i) {
        put_byte(bytes[i]);
    }
}

void mw_link_hex(uint32_t value)
{
    for (uint8_t i = 0; i < 4; ++i) {
        put_byte((uint8_t) (value >> 24));
        value <<= 8;
    }
}

void mw_link_send(void)
{
    const uint32_t crc = crc_out ^ CRC_START;
    put('*');
    mw_link_hex(crc);
    put('\n');
    crc_out = CRC_START;
    mw_check_write(waiting, n_waiting);
    n_waiting = 0;
}
