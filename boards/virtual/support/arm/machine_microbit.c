/*
 * Serial port and counter of QEMU's micro:bit: UART and TIMER0 of the nRF51 (nRF51 Series
 * Reference Manual).
 *
 * TIMER0 is set to 32 bits at 16 MHz: 62.5 ns, MW_TICK_HALF_NS = 125 half nanoseconds, a tick. Under
 * `-icount shift=9` an instruction takes 512 ns, 8.192 ticks, so that the tick or two a difference
 * of captures can be off is well below half an instruction: rounding gives the exact count.
 */
#include <mw_board.h>

#include "mw_port_arm.h"

#define UART_BASE 0x40002000u
#define UART_STARTRX MW_REGISTER(UART_BASE + 0x000u)
#define UART_STARTTX MW_REGISTER(UART_BASE + 0x008u)
#define UART_RXDRDY MW_REGISTER(UART_BASE + 0x108u)
#define UART_TXDRDY MW_REGISTER(UART_BASE + 0x11cu)
#define UART_ENABLE MW_REGISTER(UART_BASE + 0x500u)
#define UART_RXD MW_REGISTER(UART_BASE + 0x518u)
#define UART_TXD MW_REGISTER(UART_BASE + 0x51cu)
#define UART_ENABLED 4u

#define TIMER_BASE 0x40008000u
#define TIMER_START MW_REGISTER(TIMER_BASE + 0x000u)
#define TIMER_CAPTURE0 MW_REGISTER(TIMER_BASE + 0x040u)
#define TIMER_BITMODE MW_REGISTER(TIMER_BASE + 0x508u)
#define TIMER_PRESCALER MW_REGISTER(TIMER_BASE + 0x510u)
#define TIMER_CC0 MW_REGISTER(TIMER_BASE + 0x540u)
#define BITMODE_32 3u

void mw_port_serial_init(void)
{
    UART_ENABLE = UART_ENABLED;
    UART_STARTTX = 1u;
    UART_STARTRX = 1u;
}

void mw_port_write_byte(uint8_t byte)
{
    UART_TXDRDY = 0u;
    UART_TXD = byte;
    while (!UART_TXDRDY) {
    }
}

int mw_port_read_byte(void)
{
    while (!UART_RXDRDY) {
    }
    UART_RXDRDY = 0u;
    return (int) (UART_RXD & 0xffu);
}

void mw_port_serial_drain(void)
{
    /* mw_port_write_byte() already waited for its byte */
}

void mw_port_counter_init(void)
{
    TIMER_BITMODE = BITMODE_32;
    TIMER_PRESCALER = 0u;
    TIMER_START = 1u;
}

__attribute__((noinline)) uint32_t mw_board_counter(void)
{
    TIMER_CAPTURE0 = 1u;
    return TIMER_CC0;
}

uint32_t mw_port_units(uint32_t ticks)
{
    const uint64_t half_ns = (uint64_t) ticks * MW_TICK_HALF_NS;
    return (uint32_t) ((half_ns + (1u << MW_ICOUNT_SHIFT)) >> (MW_ICOUNT_SHIFT + 1));
}
