/* SPDX-License-Identifier: MIT */
/** @file
 * Transforms and recursive filters of floats by CMSIS-DSP, for MW_CMSIS_DSP=1.
 *
 * mw_fft_by_cmsis: whether it did a complex transform, forward, in place: of the length that a constant table
 * is for, and of half of that, which a real transform asks for. mw_iir_by_cmsis: filters one channel.
 *
 * A constant table then begins with minus its length. Behind its numbers lies what fills CMSIS-DSP's instance
 * for the two lengths, so that only those of tables that are named are linked: see fft_table_f32.h.
 */
#ifndef MILLIWATT_SIGNAL_CMSIS_H
#define MILLIWATT_SIGNAL_CMSIS_H

#include <dsp/filtering_functions.h>
#include <dsp/transform_functions.h>

#include <milliwatt/fft.h>
#include <milliwatt/iir.h>

#if defined(ARM_MATH_NEON)
#error "MW_CMSIS_DSP: CMSIS-DSP's transforms for Neon need a second buffer: build without it"
#endif

typedef arm_status (*mw_cmsis_fft_init)(arm_cfft_instance_f32 *instance);

static inline int mw_fft_by_cmsis(float *x, size_t n, const float *table)
{
    arm_cfft_instance_f32 instance;
    const mw_cmsis_fft_init *init;
    size_t most;
    if (!(table[0] < 0.0f)) {
        return 0; /* filled by mw_fft_table_f32() */
    }
    most = (size_t) -table[0];
    init = (const mw_cmsis_fft_init *) (const void *) (table + MW_FFT_TABLE_SIZE(most));
    if (n != most) {
        ++init;
    }
    if ((n != most && n != most / 2) || *init == NULL || (*init)(&instance) != ARM_MATH_SUCCESS) {
        return 0;
    }
    arm_cfft_f32(&instance, x, 0, 1);
    return 1;
}

/* n >= 1. CMSIS-DSP adds a1 and a2, we take them off; its loops for Helium read past five and two numbers. */
static inline void mw_iir_by_cmsis(const mw_iir_f32 *filter, float *state, const float *x, float *out,
                                   size_t n)
{
    for (uint_fast8_t i = 0; i < filter->n_sections; ++i) {
        const mw_iir_section_f32 *section = filter->sections + i;
        const float coefficients[8] = {section->b[0],  section->b[1], section->b[2], -section->a[0],
                                       -section->a[1], 0.0f,          0.0f,          0.0f};
        float live[4] = {state[0], state[1], 0.0f, 0.0f};
        arm_biquad_cascade_df2T_instance_f32 instance;
        instance.numStages = 1;
        instance.pState = live;
        instance.pCoeffs = coefficients;
        arm_biquad_cascade_df2T_f32(&instance, x, out, (uint32_t) n);
        state[0] = live[0];
        state[1] = live[1];
        state += 2;
        x = out;
    }
}

#endif
