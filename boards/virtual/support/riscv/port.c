/*
 * Start-up, serial port, counter and exit on QEMU's virt machine: a 16550 at 0x10000000 and the SiFive
 * test device at 0x100000, which ends the emulator.
 *
 * The counter is minstret. Under `-icount shift=0`, and only then, QEMU makes it the exact number
 * of instructions.
 */
#include <mw_board.h>

#include "mw_port.h"

#define UART ((volatile uint8_t *) 0x10000000u)
#define UART_DATA UART[0]
#define UART_FIFO_CONTROL UART[2]
#define UART_LINE_STATUS UART[5]
/* QEMU hands over as many bytes at a time as the trigger level allows: 14, the highest. */
#define FIFO_ENABLE 0xc1u
#define LINE_DATA_READY 0x01u
#define LINE_HOLDING_EMPTY 0x20u
#define LINE_ALL_SENT 0x40u

#define FINISHER (*(volatile uint32_t *) 0x00100000u)
#define FINISHER_PASS 0x5555u
#define FINISHER_FAIL 0x3333u

#define FAULT_STATUS 134 /* as a shell reports an aborted program */

extern uint32_t mw_data_start[], mw_data_end[], mw_data_load[], mw_bss_start[], mw_bss_end[];
extern uint8_t mw_stack_top[];
extern void (*mw_init_array_start[])(void);
extern void (*mw_init_array_end[])(void);

int main(void);
__attribute__((noreturn)) void mw_start(void);
__attribute__((noreturn)) void mw_trap(uint32_t cause, uint32_t pc);
__attribute__((noreturn)) void _exit(int status);

void mw_start(void)
{
    const uint32_t *from = mw_data_load;
    for (uint32_t *to = mw_data_start; to < mw_data_end; to++) {
        *to = *from++;
    }
    for (uint32_t *to = mw_bss_start; to < mw_bss_end; to++) {
        *to = 0;
    }
    UART_FIFO_CONTROL = FIFO_ENABLE;
    for (void (**init)(void) = mw_init_array_start; init < mw_init_array_end; init++) {
        (*init)();
    }
    mw_board_exit(main());
}

void mw_board_exit(int status)
{
    const uint32_t code = mw_port_status(status);
    while (!(UART_LINE_STATUS & LINE_ALL_SENT)) {
    }
    FINISHER = code == 0 ? FINISHER_PASS : (code << 16) | FINISHER_FAIL;
    for (;;) {
    }
}

void _exit(int status)
{
    mw_board_exit(status);
}

static void write_text(const char *text)
{
    for (; *text != '\0'; text++) {
        mw_port_write_byte((uint8_t) *text);
    }
}

static void write_hex(uint32_t value)
{
    for (int shift = 28; shift >= 0; shift -= 4) {
        mw_port_write_byte((uint8_t) "0123456789abcdef"[(value >> shift) & 15u]);
    }
}

void mw_trap(uint32_t cause, uint32_t pc)
{
    write_text("\nmw_board: exception 0x");
    write_hex(cause);
    write_text(" at pc 0x");
    write_hex(pc);
    write_text("\n");
    mw_board_exit(FAULT_STATUS);
}

void mw_port_write_byte(uint8_t byte)
{
    while (!(UART_LINE_STATUS & LINE_HOLDING_EMPTY)) {
    }
    UART_DATA = byte;
}

int mw_port_read_byte(void)
{
    while (!(UART_LINE_STATUS & LINE_DATA_READY)) {
    }
    return UART_DATA;
}

uintptr_t mw_port_stack_top(void)
{
    return (uintptr_t) mw_stack_top;
}

__attribute__((noinline)) uint32_t mw_board_counter(void)
{
    uint32_t instructions;
    __asm__ volatile("csrr %0, minstret" : "=r"(instructions));
    return instructions;
}

uint32_t mw_port_units(uint32_t ticks)
{
    return ticks; /* already instructions */
}
