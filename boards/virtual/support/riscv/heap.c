/* The heap ends where the stack must not be painted from: picolibc's sbrk(0) says. */
#include <unistd.h>

#include "mw_port.h"

uintptr_t mw_port_stack_floor(void)
{
    return (uintptr_t) sbrk(0);
}
