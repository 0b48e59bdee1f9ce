/* Vector table, reset, faults and exit for Cortex-M on QEMU. */
#include <mw_board.h>

#include "mw_port_arm.h"

#define CPACR (*(volatile uint32_t *) 0xe000ed88u) /* coprocessor access control */
#define CPACR_FPU_FULL (0xfu << 20)                /* CP10 and CP11 */

#define SYS_EXIT_EXTENDED 0x20u               /* Arm semihosting 2.0 */
#define ADP_STOPPED_APPLICATION_EXIT 0x20026u /* its "the program ended by itself" */
#define FAULT_STATUS 134                      /* as a shell reports an aborted program */

extern uint32_t mw_data_start[], mw_data_end[], mw_data_load[], mw_bss_start[], mw_bss_end[];
extern void (*mw_init_array_start[])(void);
extern void (*mw_init_array_end[])(void);
extern uint32_t mw_stack_top[];

int main(void);
__attribute__((noreturn)) void mw_reset(void);
__attribute__((noreturn)) void mw_fault(const uint32_t *frame);
void mw_fault_entry(void);

/* Interrupts are never enabled, so the table ends with the system exceptions. */
__attribute__((section(".vectors"), used)) const uintptr_t mw_vectors[16] = {
    (uintptr_t) mw_stack_top,
    (uintptr_t) mw_reset,
    (uintptr_t) mw_fault_entry, /* NMI */
    (uintptr_t) mw_fault_entry, /* HardFault */
    (uintptr_t) mw_fault_entry, /* MemManage */
    (uintptr_t) mw_fault_entry, /* BusFault */
    (uintptr_t) mw_fault_entry, /* UsageFault */
    (uintptr_t) mw_fault_entry, /* SecureFault */
    0,
    0,
    0,
    (uintptr_t) mw_fault_entry, /* SVCall */
    (uintptr_t) mw_fault_entry, /* DebugMonitor */
    0,
    (uintptr_t) mw_fault_entry, /* PendSV */
    (uintptr_t) mw_fault_entry, /* SysTick */
};

void mw_reset(void)
{
#if defined(__ARM_FP)
    CPACR |= CPACR_FPU_FULL;
    __asm__ volatile("dsb\n\tisb" ::: "memory");
#endif
    const uint32_t *from = mw_data_load;
    for (uint32_t *to = mw_data_start; to < mw_data_end; to++) {
        *to = *from++;
    }
    for (uint32_t *to = mw_bss_start; to < mw_bss_end; to++) {
        *to = 0;
    }
    mw_port_serial_init();
    mw_port_counter_init();
    for (void (**init)(void) = mw_init_array_start; init < mw_init_array_end; init++) {
        (*init)();
    }
    mw_board_exit(main());
}

void mw_board_exit(int status)
{
    const uint32_t block[2] = {ADP_STOPPED_APPLICATION_EXIT, mw_port_status(status)};
    mw_port_serial_drain();
    register uint32_t operation __asm__("r0") = SYS_EXIT_EXTENDED;
    register const uint32_t *argument __asm__("r1") = block;
    __asm__ volatile("bkpt 0xab" : : "r"(operation), "r"(argument) : "memory");
    for (;;) {
    }
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

/* The stacked frame is r0-r3, r12, lr, pc, xPSR; threads and exceptions share the main stack. */
__attribute__((naked)) void mw_fault_entry(void)
{
    __asm__ volatile("mov r0, sp\n\t"
                     "ldr r1, =mw_fault\n\t"
                     "bx r1\n\t"
                     ".ltorg");
}

void mw_fault(const uint32_t *frame)
{
    uint32_t exception;
    __asm__ volatile("mrs %0, ipsr" : "=r"(exception));
    write_text("\nmw_board: exception 0x");
    write_hex(exception);
    write_text(" at pc 0x");
    write_hex(frame[6]);
    write_text("\n");
    mw_board_exit(FAULT_STATUS);
}
