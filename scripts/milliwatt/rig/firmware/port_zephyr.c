/* SPDX-License-Identifier: MIT */
/* A board under Zephyr: its console, its cycle counter. What stack a prediction takes is not measured. */
#include <zephyr/device.h>
#include <zephyr/drivers/uart.h>
#include <zephyr/kernel.h>

#include "mw_check_port.h"

static const struct device *const console = DEVICE_DT_GET(DT_CHOSEN(zephyr_console));

int mw_check_read(void)
{
    unsigned char c;
    while (uart_poll_in(console, &c) != 0) {
        k_yield(); /* a pause would lose characters where the UART has no flow control */
    }
    return c;
}

void mw_check_write(const char *data, size_t size)
{
    for (size_t i = 0; i < size; ++i) {
        uart_poll_out(console, (unsigned char) data[i]);
    }
}

const char *mw_check_unit(void)
{
    return "ns";
}

uint32_t mw_check_counter(void)
{
    return k_cycle_get_32();
}

uint32_t mw_check_elapsed(uint32_t begin, uint32_t end)
{
    return k_cyc_to_ns_near32(end - begin);
}

void mw_check_stack_paint(void)
{
}

size_t mw_check_stack_used(void)
{
    return 0;
}

int main(void)
{
    mw_check_serve();
    return 0;
}
