/*
 * A section whose cost is known from its text: set-up instructions plus N times a loop body.
 * KNOWN_COST is in the board's unit; on the host, which counts ns, it is no promise.
 */
#ifndef KNOWN_LOOP_H
#define KNOWN_LOOP_H

#include <stdint.h>

#if defined(__arm__)
/* n times subs and bne */
#define KNOWN_COST(n) (2u * (n))
#define KNOWN_LOOP(n)                                                                                   \
    do {                                                                                                \
        uint32_t left = (n);                                                                            \
        __asm__ volatile(".syntax unified\n1:\tsubs %0, #1\n\tbne 1b" : "+l"(left) : : "cc", "memory"); \
    } while (0)
#elif defined(__riscv)
/* n times addi and bnez */
#define KNOWN_COST(n) (2u * (n))
#define KNOWN_LOOP(n)                                                                     \
    do {                                                                                  \
        uint32_t left = (n);                                                              \
        __asm__ volatile("1:\taddi %0, %0, -1\n\tbnez %0, 1b" : "+r"(left) : : "memory"); \
    } while (0)
#elif defined(__AVR__)
/* n times subi, three sbci and a brne: 4 + 2 cycles, the last brne not taken and a cycle shorter */
#define KNOWN_COST(n) (6u * (n) - 1u)
#define KNOWN_LOOP(n)                                                                              \
    do {                                                                                           \
        uint32_t left = (n);                                                                       \
        __asm__ volatile("1:\tsubi %A0, 1\n\tsbci %B0, 0\n\tsbci %C0, 0\n\tsbci %D0, 0\n\tbrne 1b" \
                         : "+d"(left)                                                              \
                         :                                                                         \
                         : "memory");                                                              \
    } while (0)
#else
#define KNOWN_COST(n) (n)
#define KNOWN_LOOP(n)                                          \
    do {                                                       \
        for (volatile uint32_t left = (n); left > 0; left--) { \
        }                                                      \
    } while (0)
#endif

#endif
