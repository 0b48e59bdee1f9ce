/*
 * ATmega328P on simavr/runner.c. The part's three general-purpose I/O registers are the way to the
 * emulator; simavr gives them no other use:
 *   GPIOR0  write: a command, below
 *   GPIOR1  read:  COMMAND_LATCH: the latched counter, a byte a read, lowest first;
 *                  COMMAND_WAIT_INPUT: 1 when a byte is on its way, 0 when the peer is gone
 *   GPIOR2  write: the exit status
 */
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>
#include <stdio.h>

#include <mw_board.h>

#include "mw_port.h"

enum {
    COMMAND_LATCH = 1,      /* latch the cycle counter */
    COMMAND_WAIT_INPUT = 2, /* send one byte; stop the clock until there is one */
    COMMAND_EXIT = 3,       /* end with the status in GPIOR2 */
    COMMAND_ASKS = 4        /* this program asks for each byte it reads */
};

#define FAULT_STATUS 134 /* as a shell reports an aborted program */

extern uint8_t __heap_start;
extern char *__brkval;

void mw_avr_init(void);
void mw_avr_exit(void);
const void *mw_avr_stdio(void);

/* Runs in avr-libc's start-up, before C++ constructors and main(). */
__attribute__((naked, used, section(".init5"))) void mw_avr_init(void)
{
    UBRR0 = 0; /* 2 Mbit/s at 16 MHz, the fastest: there is no line to be slow for */
    UCSR0A = _BV(U2X0);
    UCSR0B = _BV(RXEN0) | _BV(TXEN0);
    GPIOR0 = COMMAND_ASKS;
}

/* avr-libc's exit() falls through the .fini sections with the status in r25:r24. */
__attribute__((naked, used, section(".fini8"))) void mw_avr_exit(void)
{
    __asm__ volatile("jmp mw_board_exit");
}

/* Nobody calls this, so the linker drops it; but first it makes the linker take the standard streams
 * from stdio.c before it meets avr-libc's. They stay only if the program uses them. */
const void *mw_avr_stdio(void)
{
    return __iob;
}

ISR(BADISR_vect)
{
    mw_board_exit(FAULT_STATUS);
}

void mw_board_exit(int status)
{
    GPIOR2 = (uint8_t) mw_port_status(status);
    GPIOR0 = COMMAND_EXIT;
    cli();
    for (;;) {
        sleep_mode(); /* a plain simavr ends here too */
    }
}

void mw_port_write_byte(uint8_t byte)
{
    while (!(UCSR0A & _BV(UDRE0))) {
    }
    UDR0 = byte;
}

int mw_port_read_byte(void)
{
    GPIOR0 = COMMAND_WAIT_INPUT;
    if (GPIOR1 == 0) {
        return -1;
    }
    while (!(UCSR0A & _BV(RXC0))) {
    }
    return UDR0;
}

uintptr_t mw_port_stack_top(void)
{
    return RAMEND + 1u;
}

uintptr_t mw_port_stack_floor(void)
{
    return __brkval != 0 ? (uintptr_t) __brkval : (uintptr_t) &__heap_start;
}

__attribute__((noinline)) uint32_t mw_board_counter(void)
{
    GPIOR0 = COMMAND_LATCH;
    const uint8_t b0 = GPIOR1;
    const uint8_t b1 = GPIOR1;
    const uint8_t b2 = GPIOR1;
    const uint8_t b3 = GPIOR1;
    return b0 | ((uint32_t) b1 << 8) | ((uint32_t) b2 << 16) | ((uint32_t) b3 << 24);
}

uint32_t mw_port_units(uint32_t ticks)
{
    return ticks; /* simavr counts cycles */
}
