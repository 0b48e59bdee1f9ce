# Reset and trap entry: registers, then C.
    .section .text.mw_reset, "ax"
    .globl mw_reset
    .type mw_reset, @function
mw_reset:
    .option push
    .option norelax
    la gp, __global_pointer$
    .option pop
    la sp, mw_stack_top
    la tp, mw_tls_start
    la t0, mw_trap_entry
    csrw mtvec, t0
    j mw_start
    .size mw_reset, . - mw_reset

    .section .text.mw_trap_entry, "ax"
    .balign 4
    .type mw_trap_entry, @function
mw_trap_entry:
    csrr a0, mcause
    csrr a1, mepc
    j mw_trap
    .size mw_trap_entry, . - mw_trap_entry
