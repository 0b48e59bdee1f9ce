/* picolibc's stdio over the serial port, linked only where used. */
#include <stdio.h>

#include <mw_board.h>

#include "mw_port.h"

static int put(char c, FILE *stream)
{
    (void) stream;
    mw_port_write_byte((uint8_t) c);
    return 0;
}

static int get(FILE *stream)
{
    (void) stream;
    return mw_port_read_byte();
}

static FILE serial = FDEV_SETUP_STREAM(put, get, NULL, _FDEV_SETUP_RW);

FILE *const stdin = &serial;
FILE *const stdout = &serial;
FILE *const stderr = &serial;
