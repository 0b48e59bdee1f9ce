/* avr-libc's stdio over the serial port. */
#include <stdio.h>

#include <mw_board.h>

#include "mw_port.h"

extern FILE *__iob[3];
const void *mw_port_float_printf(void);

static int put(char c, FILE *stream)
{
    (void) stream;
    mw_port_write_byte((uint8_t) c);
    return 0;
}

static int get(FILE *stream)
{
    (void) stream;
    const int byte = mw_port_read_byte();
    return byte < 0 ? _FDEV_EOF : byte;
}

static FILE serial = FDEV_SETUP_STREAM(put, get, _FDEV_SETUP_RW);

/* In place of avr-libc's, which are all closed. */
FILE *__iob[3] = {&serial, &serial, &serial};

/* Nobody calls this, so the linker drops it; but first it makes the linker take vfprintf() from
 * libprintf_flt, the one that formats floats. */
const void *mw_port_float_printf(void)
{
    return (const void *) (uintptr_t) vfprintf;
}
