/*
 * Runs an AVR program on libsimavr, its UART0 raw on stdio or on a TCP socket.
 *
 *   runner --mcu atmega328p --frequency 16000000 [--serial stdio|tcp:PORT|fd:N] firmware.elf
 *
 * The program talks to the runner through GPIOR0..2; support/avr/port.c describes how. The runner's
 * exit status is the program's, or RUNNER_FAILED.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <simavr/avr_uart.h>
#include <simavr/sim_avr.h>
#include <simavr/sim_elf.h>
#include <simavr/sim_io.h>

enum { GPIOR0 = 0x3e, GPIOR1 = 0x4a, GPIOR2 = 0x4b }; /* addresses in data space */
enum { COMMAND_LATCH = 1, COMMAND_WAIT_INPUT, COMMAND_EXIT, COMMAND_ASKS };
enum { RUNNER_FAILED = 125, RUNNER_CRASHED = 134 };

#define POLL_CYCLES 20000u /* between looks at the serial input and flushes of the output */

typedef struct {
    avr_t *avr;
    avr_irq_t *uart;
    int in, out;
    uint8_t input[256], output[4096];
    size_t input_at, input_end, output_end;
    bool input_closed;
    bool uart_ready; /* XON: takes another byte */
    bool asks;       /* the program asks for each byte */
    uint32_t answer; /* what GPIOR1 reads, a byte a time */
    bool exited;
    int status;
} runner_t;

static __attribute__((noreturn)) void fail(const char *what, const char *cause)
{
    fprintf(stderr, "simavr runner: %s: %s\n", what, cause);
    exit(RUNNER_FAILED);
}

/* ---- serial port, PC side ---- */

static void flush_output(runner_t *r)
{
    for (size_t at = 0; at < r->output_end;) {
        const ssize_t n = write(r->out, r->output + at, r->output_end - at);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            break; /* the peer is gone; the program learns it when it reads */
        }
        at += (size_t) n;
    }
    r->output_end = 0;
}

/* Reads what there is; with `wait`, at least one byte or the end. */
static void fill_input(runner_t *r, bool wait)
{
    struct pollfd ready = {.fd = r->in, .events = POLLIN, .revents = 0};
    if (r->input_at < r->input_end || r->input_closed || poll(&ready, 1, wait ? -1 : 0) <= 0) {
        return;
    }
    const ssize_t n = read(r->in, r->input, sizeof r->input);
    r->input_at = 0;
    r->input_end = n > 0 ? (size_t) n : 0;
    r->input_closed = n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN);
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
        fail("cannot listen on the port given to --serial", strerror(errno));
    }
    return server;
}

static void open_serial(runner_t *r, const char *serial)
{
    int server;
    if (strcmp(serial, "stdio") == 0) {
        r->in = STDIN_FILENO;
        r->out = STDOUT_FILENO;
        return;
    }
    if (strncmp(serial, "tcp:", 4) == 0) {
        server = listen_on(serial + 4);
    } else if (strncmp(serial, "fd:", 3) == 0) {
        server = (int) strtol(serial + 3, NULL, 10);
    } else {
        fail("--serial takes stdio, tcp:PORT or fd:N, not", serial);
    }
    r->in = r->out = accept(server, NULL, NULL);
    if (r->in < 0) {
        fail("cannot accept a client for --serial", strerror(errno));
    }
    close(server);
}

/* ---- serial port, AVR side ---- */

static void on_uart_output(avr_irq_t *irq, uint32_t value, void *param)
{
    runner_t *const r = param;
    (void) irq;
    r->output[r->output_end++] = (uint8_t) value;
    if (r->output_end == sizeof r->output) {
        flush_output(r);
    }
}

static void on_uart_xon(avr_irq_t *irq, uint32_t value, void *param)
{
    (void) irq;
    (void) value;
    ((runner_t *) param)->uart_ready = true;
}

static void on_uart_xoff(avr_irq_t *irq, uint32_t value, void *param)
{
    (void) irq;
    (void) value;
    ((runner_t *) param)->uart_ready = false;
}

static void send_byte(runner_t *r)
{
    avr_raise_irq(r->uart, r->input[r->input_at++]);
}

/* For programs that poll the UART by themselves. */
static void pump_input(runner_t *r)
{
    fill_input(r, false);
    while (r->uart_ready && r->input_at < r->input_end) {
        send_byte(r);
    }
}

static void connect_uart(runner_t *r)
{
    avr_t *const avr = r->avr;
    uint32_t flags = 0; /* neither echo on the console nor naps while the program polls */
    avr_ioctl(avr, AVR_IOCTL_UART_SET_FLAGS('0'), &flags);
    r->uart = avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_INPUT);
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUTPUT), on_uart_output,
                            r);
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUT_XON), on_uart_xon, r);
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUT_XOFF), on_uart_xoff,
                            r);
}

/* ---- the program's commands ---- */

static void answer_input(runner_t *r)
{
    if (r->input_at == r->input_end) {
        flush_output(r);
        while (r->input_at == r->input_end && !r->input_closed) {
            fill_input(r, true);
        }
    }
    r->answer = r->input_at < r->input_end;
    if (r->answer) {
        send_byte(r);
    }
}

static void on_command(avr_t *avr, avr_io_addr_t address, uint8_t value, void *param)
{
    runner_t *const r = param;
    avr->data[address] = value;
    switch (value) {
    case COMMAND_LATCH:
        /* Before this OUT's own cycle is added, the same for every reading. */
        r->answer = (uint32_t) avr->cycle;
        break;
    case COMMAND_WAIT_INPUT:
        answer_input(r);
        break;
    case COMMAND_EXIT:
        r->exited = true;
        r->status = avr->data[GPIOR2];
        break;
    case COMMAND_ASKS:
        r->asks = true;
        break;
    default:
        break;
    }
}

static uint8_t on_answer(avr_t *avr, avr_io_addr_t address, void *param)
{
    runner_t *const r = param;
    (void) avr;
    (void) address;
    const uint8_t byte = (uint8_t) r->answer;
    r->answer >>= 8;
    return byte;
}

/* ---- main ---- */

static void log_errors(avr_t *avr, const int level, const char *format, va_list arguments)
{
    (void) avr;
    if (level == LOG_ERROR) {
        fputs("simavr: ", stderr);
        vfprintf(stderr, format, arguments);
    }
}

static void load(runner_t *r, const char *mcu, const char *frequency, const char *path)
{
    static elf_firmware_t firmware; /* large */
    if (access(path, R_OK) != 0) {
        fail(path, strerror(errno));
    }
    if (elf_read_firmware(path, &firmware) != 0) {
        fail(path, "not an AVR ELF file");
    }
    firmware.frequency = (uint32_t) strtoul(frequency, NULL, 10);
    r->avr = avr_make_mcu_by_name(mcu);
    if (r->avr == NULL) {
        fail("simavr does not know the part", mcu);
    }
    avr_init(r->avr);
    avr_load_firmware(r->avr, &firmware);
    avr_register_io_write(r->avr, GPIOR0, on_command, r);
    avr_register_io_read(r->avr, GPIOR1, on_answer, r);
    connect_uart(r);
}

static int run(runner_t *r)
{
    avr_cycle_count_t next_poll = POLL_CYCLES; /* a byte sent before the program sets its UART up is lost */
    int state = cpu_Running;
    while (!r->exited && state != cpu_Done && state != cpu_Crashed) {
        state = avr_run(r->avr);
        if (r->avr->cycle >= next_poll) {
            next_poll = r->avr->cycle + POLL_CYCLES;
            flush_output(r);
            if (!r->asks) {
                pump_input(r);
            }
        }
    }
    flush_output(r);
    if (r->exited) {
        return r->status;
    }
    fprintf(stderr, "simavr runner: the program %s at pc 0x%x\n",
            state == cpu_Crashed ? "crashed" : "slept with interrupts off, without mw_board_exit(),",
            (unsigned) r->avr->pc);
    return state == cpu_Crashed ? RUNNER_CRASHED : RUNNER_FAILED;
}

int main(int argc, char **argv)
{
    static runner_t runner = {.uart_ready = true};
    const char *mcu = "atmega328p", *frequency = "16000000", *serial = "stdio", *path = NULL;
    for (int i = 1; i < argc; i++) {
        const char **const option = strcmp(argv[i], "--mcu") == 0         ? &mcu
                                    : strcmp(argv[i], "--frequency") == 0 ? &frequency
                                    : strcmp(argv[i], "--serial") == 0    ? &serial
                                                                          : NULL;
        if (option == NULL) {
            path = argv[i];
        } else if (i + 1 < argc) {
            *option = argv[++i];
        } else {
            fail(argv[i], "needs a value");
        }
    }
    if (path == NULL) {
        fail("no firmware given", "usage: runner [--mcu M] [--frequency HZ] [--serial S] firmware.elf");
    }
    signal(SIGPIPE, SIG_IGN);
    avr_global_logger_set(log_errors);
    load(&runner, mcu, frequency, path);
    open_serial(&runner, serial);
    return run(&runner);
}
