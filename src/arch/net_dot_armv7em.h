/* SPDX-License-Identifier: MIT */
/** @file
 * net_dot.h for Armv7E-M (Cortex-M4, -M7) and other Arm CPUs that multiply pairs of halfwords.
 *
 * Bytes come four in a word. UXTB16 and SXTB16 make pairs of halfwords of bytes 0 and 2, or, rotated, of 1
 * and 3; SMLAD multiplies two pairs and adds both products to a sum. Loops are written out, because compilers
 * run out of registers in them: 23 instructions for 16 products of bytes, 22 of 16 bits. Weights are loaded
 * two words at a time and have to be aligned; numbers need not be.
 *
 * What loops only read is declared as written too: two operands of the same value, a sum that begins at 0 and
 * a register that holds 0, would otherwise be one.
 */
#ifndef MILLIWATT_NET_DOT_ARMV7EM_H
#define MILLIWATT_NET_DOT_ARMV7EM_H

#define MW_UNTIL_END_      \
    "cmp %[x], %[end]\n\t" \
    "bne 1b"

#if !MW_HELIUM
static inline uint32_t mw_sum_u8(const uint8_t *x, const uint8_t *end)
{
    uint32_t sum = 0;
    uint32_t zero = 0;
    uint32_t word;
    __asm__("1:\n\t"
            "ldr %[word], [%[x]], #4\n\t"
            "usada8 %[sum], %[word], %[zero], %[sum]\n\t" MW_UNTIL_END_
            : [sum] "+r"(sum), [x] "+r"(x), [word] "=&r"(word), [end] "+r"(end), [zero] "+r"(zero)
            :
            : "cc", "memory");
    return sum;
}
#endif

static inline uint32_t mw_sum_i16(const int16_t *x, const int16_t *end)
{
    uint32_t sum = 0;
    uint32_t ones = UINT32_C(0x10001);
    uint32_t first, second;
    __asm__("1:\n\t"
            "ldr %[first], [%[x]], #4\n\t"
            "ldr %[second], [%[x]], #4\n\t"
            "smlad %[sum], %[first], %[ones], %[sum]\n\t"
            "smlad %[sum], %[second], %[ones], %[sum]\n\t" MW_UNTIL_END_
            : [sum] "+r"(sum), [x] "+r"(x), [first] "=&r"(first), [second] "=&r"(second), [end] "+r"(end),
              [ones] "+r"(ones)
            :
            : "cc", "memory");
    return sum;
}

/* Four weights in `word`, by numbers in `even` and `odd`. */
#define MW_ADD_FOUR_(sum, word)                          \
    "uxtb16 %[part], %[" word "]\n\t"                    \
    "uxtb16 %[" word "], %[" word "], ror #8\n\t"        \
    "smlad %[" sum "], %[part], %[even], %[" sum "]\n\t" \
    "smlad %[" sum "], %[" word "], %[odd], %[" sum "]\n\t"

#define MW_LOAD_EIGHT_ "ldrd %[first], %[second], [%[weights]], #8\n\t"
#define MW_ADD_EIGHT_(one, other) MW_LOAD_EIGHT_ MW_ADD_FOUR_(one, "first") MW_ADD_FOUR_(other, "second")

/* Four inputs by four outputs, as often as it takes. */
#define MW_DOT_(load) "1:\n\t" load MW_ADD_EIGHT_("a", "b") MW_ADD_EIGHT_("c", "d") MW_UNTIL_END_

#define MW_DEFINE_DOT_4_(family, type, load)                                                            \
    static inline mw_sums_4 mw_dot_4_##family(mw_sums_4 sums, const uint8_t **weights, const type *x,   \
                                              const type *end)                                          \
    {                                                                                                   \
        uint32_t even, odd, first, second, part;                                                        \
        __asm__(MW_DOT_(load)                                                                           \
                : [a] "+r"(sums.a), [b] "+r"(sums.b), [c] "+r"(sums.c), [d] "+r"(sums.d), [x] "+r"(x),  \
                  [weights] "+r"(*weights), [even] "=&r"(even), [odd] "=&r"(odd), [first] "=&r"(first), \
                  [second] "=&r"(second), [part] "=&r"(part), [end] "+r"(end)                           \
                :                                                                                       \
                : "cc", "memory");                                                                      \
        return sums;                                                                                    \
    }
#define MW_LOAD_BYTES_           \
    "ldr %[odd], [%[x]], #4\n\t" \
    "uxtb16 %[even], %[odd]\n\t" \
    "uxtb16 %[odd], %[odd], ror #8\n\t"
/* Weights lie in the order of inputs 0, 2, 1, 3, so that they meet halfwords of one word. */
#define MW_LOAD_WORDS_            \
    "ldr %[even], [%[x]], #4\n\t" \
    "ldr %[odd], [%[x]], #4\n\t"
#if !MW_HELIUM
MW_DEFINE_DOT_4_(u8, uint8_t, MW_LOAD_BYTES_)
#endif
MW_DEFINE_DOT_4_(i16, int16_t, MW_LOAD_WORDS_)
#undef MW_DEFINE_DOT_4_
#undef MW_DOT_
#undef MW_ADD_EIGHT_
#undef MW_LOAD_EIGHT_
#undef MW_ADD_FOUR_

/* A weight each for four numbers; bytes, which for want of a register are loaded twice, and 16 bits. */
#define MW_EACH_BYTE_                         \
    "ldr %[odd], [%[weights]], #4\n\t"        \
    "ldr %[part], [%[x]]\n\t"                 \
    "sxtb16 %[even], %[odd]\n\t"              \
    "uxtb16 %[part], %[part]\n\t"             \
    "smlabb %[a], %[part], %[even], %[a]\n\t" \
    "smlatt %[c], %[part], %[even], %[c]\n\t" \
    "ldr %[part], [%[x]]\n\t"                 \
    "sxtb16 %[odd], %[odd], ror #8\n\t"       \
    "uxtb16 %[part], %[part], ror #8\n\t"     \
    "smlabb %[b], %[part], %[odd], %[b]\n\t"  \
    "smlatt %[d], %[part], %[odd], %[d]\n\t"
#define MW_EACH_WORD_                         \
    "ldr %[odd], [%[weights]], #4\n\t"        \
    "ldr %[part], [%[x]]\n\t"                 \
    "sxtb16 %[even], %[odd]\n\t"              \
    "sxtb16 %[odd], %[odd], ror #8\n\t"       \
    "smlabb %[a], %[part], %[even], %[a]\n\t" \
    "smlatb %[b], %[part], %[odd], %[b]\n\t"  \
    "ldr %[part], [%[x], #4]\n\t"             \
    "smlabt %[c], %[part], %[even], %[c]\n\t" \
    "smlatt %[d], %[part], %[odd], %[d]\n\t"

#define MW_DEFINE_EACH_4_(family, type, add, scale)                                                    \
    static inline mw_sums_4 mw_each_4_##family(mw_sums_4 sums, const int8_t **weights, const type *x,  \
                                               const type *end, size_t step)                           \
    {                                                                                                  \
        uint32_t even, odd, part;                                                                      \
        __asm__("1:\n\t" add "add %[x], %[x], %[step]" scale "\n\t" MW_UNTIL_END_                      \
                : [a] "+r"(sums.a), [b] "+r"(sums.b), [c] "+r"(sums.c), [d] "+r"(sums.d), [x] "+r"(x), \
                  [weights] "+r"(*weights), [even] "=&r"(even), [odd] "=&r"(odd), [part] "=&r"(part),  \
                  [end] "+r"(end), [step] "+r"(step)                                                   \
                :                                                                                      \
                : "cc", "memory");                                                                     \
        return sums;                                                                                   \
    }
MW_DEFINE_EACH_4_(u8, uint8_t, MW_EACH_BYTE_, "")
MW_DEFINE_EACH_4_(i16, int16_t, MW_EACH_WORD_, ", lsl #1")
#undef MW_DEFINE_EACH_4_
#undef MW_EACH_WORD_
#undef MW_EACH_BYTE_
#undef MW_LOAD_WORDS_
#undef MW_LOAD_BYTES_
#undef MW_UNTIL_END_

#endif
