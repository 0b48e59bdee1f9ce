/* newlib's ways to end: exit() and abort(). */
#include <errno.h>

#include <mw_board.h>

__attribute__((noreturn)) void _exit(int status);
int _getpid(void);
int _kill(int pid, int signal);

void _exit(int status)
{
    mw_board_exit(status);
}

int _getpid(void)
{
    return 1;
}

int _kill(int pid, int signal)
{
    (void) pid;
    mw_board_exit(128 + signal); /* as a shell reports it */
}
