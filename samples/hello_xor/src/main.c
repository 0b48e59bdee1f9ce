/* SPDX-License-Identifier: MIT */
/* Do two switches stand alike? A model knows. Without CONFIG_MILLIWATT, C does: to see what the model costs.
 */
#include <stdint.h>

#include <zephyr/kernel.h>

#ifdef CONFIG_MILLIWATT
#include <hello_xor.h>
#else
#define HELLO_XOR_N_FEATURES 2

static int hello_xor_predict(const int8_t *switches, int n_switches)
{
    return n_switches == 2 && switches[0] == switches[1];
}

static const char *hello_xor_class_name(int index)
{
    return index != 0 ? "same" : "different";
}
#endif

int main(void)
{
    for (int8_t i = 0; i < 4; ++i) {
        const int8_t switches[HELLO_XOR_N_FEATURES] = {(int8_t) (i / 2), (int8_t) (i % 2)};
        const int answer = hello_xor_predict(switches, HELLO_XOR_N_FEATURES);

        printk("%d %d: %s\n", switches[0], switches[1], hello_xor_class_name(answer));
    }
    printk("done\n");
    return 0;
}
