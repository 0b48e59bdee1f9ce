/* Answers one command a line over the serial port: what ../../test_boards.py asks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mw_board.h>

#include "known_loop.h"
#include "measure.h"

/* An image that is too big: this many bytes more flash, or static RAM, than the program needs. */
#if defined(SELFTEST_FLASH_BALLAST)
#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)
__asm__(".pushsection .text.ballast,\"ax\"\n"
        "flash_ballast: .space " TEXT(SELFTEST_FLASH_BALLAST) "\n"
                                                              ".popsection");
extern const char flash_ballast[];
#define BALLAST flash_ballast
#elif defined(SELFTEST_RAM_BALLAST)
static char ram_ballast[SELFTEST_RAM_BALLAST];
#define BALLAST ram_ballast
#else
#define BALLAST ""
#endif

static void read_line(char *line, size_t room)
{
    size_t n = 0;
    for (int c = mw_board_read(); c != '\n'; c = mw_board_read()) {
        if (c < 0) {
            mw_board_exit(3);
        }
        if (n + 1 < room) {
            line[n++] = (char) c;
        }
    }
    line[n] = '\0';
}

static void answer_stack(uint32_t bytes)
{
    mw_board_stack_paint();
    const unsigned before = (unsigned) mw_board_stack_used();
    const uint32_t sum = use_stack(bytes);
    printf("stack %u %u %lu\n", before, (unsigned) mw_board_stack_used(), (unsigned long) sum);
}

static void answer_echo(uint32_t bytes)
{
    char block[32];
    while (bytes > 0) {
        const size_t n = bytes < sizeof block ? bytes : sizeof block;
        for (size_t i = 0; i < n; i++) {
            block[i] = (char) mw_board_read();
        }
        mw_board_write(block, n);
        bytes -= (uint32_t) n;
    }
}

static void answer_crash(void)
{
#if defined(__arm__)
    __asm__ volatile(".inst.n 0xde00"); /* permanently undefined */
#elif defined(__riscv)
    __asm__ volatile(".word 0");
#elif defined(__AVR__)
    __asm__ volatile("sei\n\tjmp __vector_1"); /* an interrupt nobody handles */
#else
    abort();
#endif
}

int main(void)
{
    char line[32];
    const char *const volatile ballast = BALLAST;
    (void) ballast;
#if defined(SELFTEST_STATUS)
    mw_board_exit(SELFTEST_STATUS);
#endif
    printf("ready %s %s\n", mw_board_name, mw_board_counter_unit);
    for (;;) {
        read_line(line, sizeof line);
        const char *const space = strchr(line, ' ');
        const uint32_t n = space != NULL ? (uint32_t) strtoul(space + 1, NULL, 10) : 0;
        if (strncmp(line, "count", 5) == 0) {
            printf("count %lu %lu\n", (unsigned long) measure_known(n), (unsigned long) KNOWN_COST(n));
        } else if (strncmp(line, "empty", 5) == 0) {
            printf("empty %lu\n", (unsigned long) measure_empty());
        } else if (strncmp(line, "nops", 4) == 0) {
            printf("nops %lu\n", (unsigned long) measure_ten_nops());
        } else if (strncmp(line, "stack", 5) == 0) {
            answer_stack(n);
        } else if (strncmp(line, "float", 5) == 0) {
            printf("float %.3f %8.2e %d %s\n", (double) n / 7.0, -1234.5, -42, "text");
        } else if (strncmp(line, "cxx", 3) == 0) {
            printf("cxx %d\n", constructed_sum());
        } else if (strncmp(line, "echo", 4) == 0) {
            answer_echo(n);
        } else if (strncmp(line, "crash", 5) == 0) {
            answer_crash();
        } else if (strncmp(line, "return", 6) == 0) {
            return (int) n;
        } else {
            mw_board_exit((int) n);
        }
    }
}
