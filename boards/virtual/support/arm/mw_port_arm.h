/* Between the start-up code and a machine's serial port and counter. Internal. */
#ifndef MW_PORT_ARM_H
#define MW_PORT_ARM_H

#include "mw_port.h"

#define MW_REGISTER(address) (*(volatile uint32_t *) (address))

void mw_port_serial_init(void);
void mw_port_serial_drain(void); /* returns when the emulator has passed on the last byte */
void mw_port_counter_init(void);

#endif
