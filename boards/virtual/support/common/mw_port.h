/* What a family (arm, riscv, avr, host) gives to the common code. Internal. */
#ifndef MW_PORT_H
#define MW_PORT_H

#include <stddef.h>
#include <stdint.h>

/* One byte over the serial port, blocking; the read gives -1 when the peer is gone. */
void mw_port_write_byte(uint8_t byte);
int mw_port_read_byte(void);

/* The stack grows down from `top`; nothing else lives at or above `floor`. */
uintptr_t mw_port_stack_top(void);
uintptr_t mw_port_stack_floor(void);

/* Counter ticks to instructions or cycles, exactly. */
uint32_t mw_port_units(uint32_t ticks);

/* An exit status the emulator can pass on. */
static inline uint32_t mw_port_status(int status)
{
    return (status < 0 || status > 255) ? 255u : (uint32_t) status;
}

#endif
