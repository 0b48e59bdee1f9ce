/*
 * The PC as a board. The program is its own emulator: `firmware.elf --serial tcp:PORT` waits for a
 * client on 127.0.0.1:PORT before main() and makes it stdin and stdout; `fd:N` does so on a socket
 * that already listens; without the option they stay what they were.
 */
#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <mw_board.h>

#include "mw_port.h"

#define STACK_PAINTED ((uintptr_t) 256 * 1024) /* of the usual 8 MB, and more than any part has RAM for */

static uintptr_t stack_top;

static __attribute__((noreturn)) void give_up(const char *what)
{
    fprintf(stderr, "mw_board: %s: %s\n", what, strerror(errno));
    _exit(2);
}

static int listen_on(const char *port)
{
    const int one = 1;
    struct sockaddr_in address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons((uint16_t) strtoul(port, NULL, 10));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int server = socket(AF_INET, SOCK_STREAM, 0);
    if (server < 0 || setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0 ||
        bind(server, (const struct sockaddr *) &address, sizeof address) < 0 || listen(server, 1) < 0) {
        give_up("cannot listen on the port given to --serial");
    }
    return server;
}

static void serve(int server)
{
    const int client = accept(server, NULL, NULL);
    if (client < 0 || dup2(client, STDIN_FILENO) < 0 || dup2(client, STDOUT_FILENO) < 0) {
        give_up("cannot accept a client for --serial");
    }
    close(client);
    close(server);
}

int __real_main(void);
int __wrap_main(int argc, char **argv);

/* The linker calls this in place of main() (--wrap=main). */
int __wrap_main(int argc, char **argv)
{
    stack_top = (uintptr_t) __builtin_frame_address(0);
    signal(SIGPIPE, SIG_IGN);
    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], "--serial") != 0) {
            continue;
        }
        if (strncmp(argv[i + 1], "tcp:", 4) == 0) {
            serve(listen_on(argv[i + 1] + 4));
        } else if (strncmp(argv[i + 1], "fd:", 3) == 0) {
            serve((int) strtol(argv[i + 1] + 3, NULL, 10));
        }
    }
    setvbuf(stdout, NULL, _IONBF, 0); /* keeps its order with mw_board_write() */
    mw_board_exit(__real_main());
}

void mw_board_exit(int status)
{
    exit((int) mw_port_status(status));
}

void mw_port_write_byte(uint8_t byte)
{
    putchar(byte);
}

void mw_board_write(const char *data, size_t n)
{
    fwrite(data, 1, n, stdout);
}

/* Through stdio, so that it may be mixed with getchar(). */
int mw_port_read_byte(void)
{
    return getchar();
}

uintptr_t mw_port_stack_top(void)
{
    return stack_top;
}

uintptr_t mw_port_stack_floor(void)
{
    return stack_top - STACK_PAINTED;
}

uint32_t mw_board_counter(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint32_t) ((uint64_t) now.tv_sec * 1000000000u + (uint64_t) now.tv_nsec);
}

uint32_t mw_port_units(uint32_t ticks)
{
    return ticks; /* already ns */
}
