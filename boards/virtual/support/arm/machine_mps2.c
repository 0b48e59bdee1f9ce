/*
 * Serial port and counter of QEMU's MPS2 machines: CMSDK APB UART and CMSDK APB timer
 * (Arm DDI 0479, "Cortex-M System Design Kit").
 *
 * The timer is 32 bits wide and counts the machine's system clock, MW_TICK_HALF_NS half
 * nanoseconds a tick: 80 (25 MHz) on an385, an386 and an500, 100 (20 MHz) on an505. Under
 * `-icount shift=N` an instruction takes 2^N ns of virtual time; the board's JSON picks N so that an
 * instruction is 3.2 ticks (an385, an386, an500: N = 7) or 5.12 ticks (an505: N = 8). A difference
 * of two readings is at most one tick off, which is less than half an instruction: rounding
 * gives the exact count.
 */
#include <mw_board.h>

#include "mw_port_arm.h"

#define UART_DATA MW_REGISTER(MW_UART_BASE + 0x00u)
#define UART_STATE MW_REGISTER(MW_UART_BASE + 0x04u)
#define UART_CTRL MW_REGISTER(MW_UART_BASE + 0x08u)
#define UART_BAUDDIV MW_REGISTER(MW_UART_BASE + 0x10u)
#define STATE_TX_FULL 1u
#define STATE_RX_FULL 2u
#define CTRL_TX_RX_ENABLE 3u

#define TIMER_CTRL MW_REGISTER(MW_TIMER_BASE + 0x00u)
#define TIMER_VALUE MW_REGISTER(MW_TIMER_BASE + 0x04u)
#define TIMER_RELOAD MW_REGISTER(MW_TIMER_BASE + 0x08u)

void mw_port_serial_init(void)
{
    UART_BAUDDIV = 16u; /* the smallest the UART takes: there is no line to be slow for */
    UART_CTRL = CTRL_TX_RX_ENABLE;
    /* QEMU looks for input again when the data register is read, not when reception is enabled:
     * without this the first byte could wait a second. */
    (void) UART_DATA;
}

void mw_port_write_byte(uint8_t byte)
{
    mw_port_serial_drain();
    UART_DATA = byte;
}

int mw_port_read_byte(void)
{
    while (!(UART_STATE & STATE_RX_FULL)) {
    }
    return (int) (UART_DATA & 0xffu);
}

void mw_port_serial_drain(void)
{
    while (UART_STATE & STATE_TX_FULL) {
    }
}

void mw_port_counter_init(void)
{
    TIMER_RELOAD = UINT32_MAX;
    TIMER_VALUE = UINT32_MAX;
    TIMER_CTRL = 1u;
}

__attribute__((noinline)) uint32_t mw_board_counter(void)
{
    return ~TIMER_VALUE; /* it counts down */
}

uint32_t mw_port_units(uint32_t ticks)
{
    const uint64_t half_ns = (uint64_t) ticks * MW_TICK_HALF_NS;
    return (uint32_t) ((half_ns + (1u << MW_ICOUNT_SHIFT)) >> (MW_ICOUNT_SHIFT + 1));
}
