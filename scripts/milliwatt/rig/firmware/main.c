/* SPDX-License-Identifier: MIT */
/*
 * The check firmware: takes rows of features from the PC, answers with the model's predictions and
 * their cost. PROTOCOL.md describes the lines.
 */
#include "mw_check_link.h"
#include "mw_check_measure.h"
#include "mw_check_port.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "rows are sent as they lie in little-endian memory"
#endif

static uint32_t n_rows, n_refused;

static void refuse(const char *why)
{
    ++n_refused;
    mw_link_text("n");
    mw_link_text(why);
    mw_link_send();
}

/* 1 if the line was whole and held exactly what it should; else refuses it. */
static int accept(int ok)
{
    const int at_end = mw_link_at_end();
    switch (mw_link_end()) {
    case MW_LINK_WHOLE:
        if (!ok || !at_end) {
            refuse(" form");
            return 0;
        }
        return 1;
    case MW_LINK_GARBLED:
        refuse(" crc");
        return 0;
    default:
        return 0;
    }
}

static void greet(void)
{
    int ok = mw_link_next() == 'w' && mw_link_next() == '?' && mw_link_next() == ' ';
    const uint32_t nonce = mw_link_number(&ok);
    if (!accept(ok)) {
        return;
    }
    mw_link_text("mw! 1 " MW_CHECK_BUILD " " MW_CHECK_MODEL);
    mw_link_decimal(MW_CHECK_FEATURES);
    mw_link_decimal(MW_CHECK_OUTPUTS);
    mw_link_text(" ");
    mw_link_text(mw_check_unit());
    mw_link_text(" ");
    mw_link_hex(nonce);
    mw_link_send();
}

static void answer(uint32_t number)
{
#ifdef MW_CHECK_STREAM
    /* Frames must neither be lost nor taken twice: a row that was answered is answered again, and no other
     * may follow it than the next. */
    static uint32_t n_taken, cost;
    static int status;
    if (number == n_taken) {
        status = mw_check_predict(&cost);
        ++n_taken;
        ++n_rows;
    } else if (n_taken == 0 || number != n_taken - 1) {
        refuse(" form");
        return;
    }
#else
    uint32_t cost;
    const int status = mw_check_predict(&cost);
    ++n_rows;
#endif
    mw_link_text("a");
    mw_link_hex(number);
    mw_link_text(status < 0 ? " -" : " +");
    mw_link_hex((uint32_t) (status < 0 ? -status : status));
    mw_link_decimal(cost);
#if MW_CHECK_OUTPUTS > 0
    if (status >= 0) {
        mw_link_text(" ");
        mw_link_image(mw_check_outputs, sizeof mw_check_outputs);
    }
#endif
    mw_link_send();
}

static void row(void)
{
    uint8_t *const image = (uint8_t *) mw_check_features;
    int ok = 1;
    const uint32_t number = mw_link_number(&ok);
    for (size_t i = 0; i < sizeof mw_check_features && ok; ++i) {
        const int byte = mw_link_byte();
        ok = byte >= 0;
        image[i] = (uint8_t) byte;
    }
    if (accept(ok)) {
        answer(number);
    }
}

static void statistics(void)
{
    int ok = 1;
    const uint32_t nonce = mw_link_number(&ok);
    if (accept(ok)) {
        const mw_check_stack stack = mw_check_measure_stack();
        mw_link_text("s");
        mw_link_hex(nonce);
        mw_link_decimal(n_rows);
        mw_link_decimal(n_refused);
        mw_link_decimal((uint32_t) stack.talk);
        mw_link_decimal((uint32_t) stack.nothing);
        mw_link_decimal((uint32_t) stack.predict);
        mw_link_send();
    }
}

/* What is neither asked nor understood: noise, or a PC with another protocol. */
static int unknown(void)
{
    switch (mw_link_end()) {
    case MW_LINK_WHOLE:
        refuse(" form");
        return 1;
    case MW_LINK_GARBLED:
        refuse(" crc");
        return 1;
    case MW_LINK_EMPTY:
        return 1;
    default:
        return 0;
    }
}

void mw_check_serve(void)
{
    int here = 1;
    mw_check_measure_begin();
    while (here) {
        mw_link_begin();
        switch (mw_link_next()) {
        case 'm':
            greet();
            break;
        case 'r':
            row();
            break;
        case 's':
            statistics();
            break;
        default:
            here = unknown();
            break;
        }
    }
}
