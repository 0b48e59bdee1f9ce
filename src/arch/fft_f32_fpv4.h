/* SPDX-License-Identifier: MIT */
/** @file
 * Passes of fft_f32.c on Cortex-M with an FPU of single precision: numbers are loaded and stored two and more
 * at a time, which compilers do not do, and products are added without rounding in between.
 */
#ifndef MILLIWATT_FFT_F32_FPV4_H
#define MILLIWATT_FFT_F32_FPV4_H

/* a in s0, s1; b in s2, s3; c in s4, s5; d in s6, s7: results in s0 to s7, in this order. */
#define MW_FFT_JOIN_            \
    "vadd.f32 s8, s0, s2\n\t"   \
    "vadd.f32 s9, s1, s3\n\t"   \
    "vsub.f32 s10, s0, s2\n\t"  \
    "vsub.f32 s11, s1, s3\n\t"  \
    "vadd.f32 s12, s4, s6\n\t"  \
    "vadd.f32 s13, s5, s7\n\t"  \
    "vsub.f32 s14, s4, s6\n\t"  \
    "vsub.f32 s15, s5, s7\n\t"  \
    "vadd.f32 s0, s8, s12\n\t"  \
    "vadd.f32 s1, s9, s13\n\t"  \
    "vadd.f32 s2, s10, s15\n\t" \
    "vsub.f32 s3, s11, s14\n\t" \
    "vsub.f32 s4, s8, s12\n\t"  \
    "vsub.f32 s5, s9, s13\n\t"  \
    "vsub.f32 s6, s10, s15\n\t" \
    "vadd.f32 s7, s11, s14\n\t"

#define MW_FFT_CLOBBERED_ \
    "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "s12", "s13", "s14", "s15"

#define MW_FFT_STORE_APART_                 \
    "vstmia %[x], {s0-s1}\n\t"              \
    "vstmia %[second], {s2-s3}\n\t"         \
    "vstmia %[third], {s4-s5}\n\t"          \
    "vstmia %[fourth], {s6-s7}\n\t"         \
    "add %[x], %[x], %[step]\n\t"           \
    "add %[second], %[second], %[step]\n\t" \
    "add %[third], %[third], %[step]\n\t"   \
    "add %[fourth], %[fourth], %[step]\n\t" \
    "cmp %[x], %[end]\n\t"                  \
    "blo 1b"

/* re, im turned: to `to_re`, `to_im`. */
#define MW_FFT_TURN_(re, im, to_re, to_im, cosine, sine) \
    "vmul.f32 " to_re ", " re ", %[" cosine "]\n\t"      \
    "vmul.f32 " to_im ", " im ", %[" cosine "]\n\t"      \
    "vfma.f32 " to_re ", " im ", %[" sine "]\n\t"        \
    "vfms.f32 " to_im ", " re ", %[" sine "]\n\t"

static inline void mw_fft_first(mw_fft_pair *x, const mw_fft_pair *end, size_t m)
{
    mw_fft_pair *second = x + m;
    mw_fft_pair *third = second + m;
    mw_fft_pair *fourth = third + m;
    size_t step = 4 * m * sizeof *x;
    if (m == 1) {
        __asm__ volatile("1:\n\t"
                         "vldmia %[x], {s0-s7}\n\t" MW_FFT_JOIN_ "vstmia %[x]!, {s0-s7}\n\t"
                         "cmp %[x], %[end]\n\t"
                         "blo 1b"
                         : [x] "+r"(x), [end] "+r"(end)
                         :
                         : MW_FFT_CLOBBERED_, "cc", "memory");
        return;
    }
    __asm__ volatile("1:\n\t"
                     "vldmia %[x], {s0-s1}\n\t"
                     "vldmia %[second], {s2-s3}\n\t"
                     "vldmia %[third], {s4-s5}\n\t"
                     "vldmia %[fourth], {s6-s7}\n\t" MW_FFT_JOIN_ MW_FFT_STORE_APART_
                     : [x] "+r"(x), [second] "+r"(second), [third] "+r"(third), [fourth] "+r"(fourth),
                       [step] "+r"(step), [end] "+r"(end)
                     :
                     : MW_FFT_CLOBBERED_, "cc", "memory");
}

static inline void mw_fft_other(mw_fft_pair *x, const mw_fft_pair *end, size_t m, mw_fft_turn once,
                                mw_fft_turn twice, mw_fft_turn thrice)
{
    mw_fft_pair *second = x + m;
    mw_fft_pair *third = second + m;
    mw_fft_pair *fourth = third + m;
    size_t step = 4 * m * sizeof *x;
    __asm__ volatile(
        "1:\n\t"
        "vldmia %[second], {s8-s9}\n\t"
        "vldmia %[third], {s10-s11}\n\t"
        "vldmia %[fourth], {s12-s13}\n\t"
        "vldmia %[x], {s0-s1}\n\t" /**/
        MW_FFT_TURN_("s8", "s9", "s2", "s3", "cosine2", "sine2")
            MW_FFT_TURN_("s10", "s11", "s4", "s5", "cosine1", "sine1")
                MW_FFT_TURN_("s12", "s13", "s6", "s7", "cosine3", "sine3") MW_FFT_JOIN_ MW_FFT_STORE_APART_
        : [x] "+r"(x), [second] "+r"(second), [third] "+r"(third), [fourth] "+r"(fourth), [step] "+r"(step),
          [end] "+r"(end), [cosine1] "+t"(once.cosine), [sine1] "+t"(once.sine), [cosine2] "+t"(twice.cosine),
          [sine2] "+t"(twice.sine), [cosine3] "+t"(thrice.cosine), [sine3] "+t"(thrice.sine)
        :
        : MW_FFT_CLOBBERED_, "cc", "memory");
}
#undef MW_FFT_TURN_
#undef MW_FFT_STORE_APART_
#undef MW_FFT_CLOBBERED_
#undef MW_FFT_JOIN_

#endif
