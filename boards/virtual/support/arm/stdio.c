/* newlib's system calls: the serial port is stdin, stdout and stderr. Linked only where used. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include <mw_board.h>

#include "mw_port_arm.h"

int _write(int file, const char *data, int n);
int _read(int file, char *data, int n);
int _close(int file);
int _lseek(int file, int offset, int whence);
int _fstat(int file, struct stat *status);
int _isatty(int file);
void mw_port_float_printf(void);
extern int _printf_float(void);

/* Unbuffered: nothing is lost at exit, order with mw_board_write() is kept, no heap is needed. */
__attribute__((constructor)) static void unbuffer(void)
{
    setvbuf(stdin, NULL, _IONBF, 0);
    setvbuf(stdout, NULL, _IONBF, 0);
}

/* newlib-nano formats floats only where _printf_float is linked. Nobody calls this, so the linker
 * drops it; but first it makes the linker find _printf_float, which stays if printf() is used. */
void mw_port_float_printf(void)
{
    (void) _printf_float();
}

int _write(int file, const char *data, int n)
{
    (void) file;
    mw_board_write(data, (size_t) n);
    return n;
}

int _read(int file, char *data, int n)
{
    (void) file;
    if (n <= 0) {
        return 0;
    }
    data[0] = (char) mw_board_read();
    return 1;
}

int _close(int file)
{
    (void) file;
    return 0;
}

int _lseek(int file, int offset, int whence)
{
    (void) file;
    (void) offset;
    (void) whence;
    return 0;
}

int _fstat(int file, struct stat *status)
{
    (void) file;
    status->st_mode = S_IFCHR;
    return 0;
}

int _isatty(int file)
{
    (void) file;
    return 1;
}
