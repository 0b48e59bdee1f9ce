/* SPDX-License-Identifier: MIT */
/** @file
 * What differs between targets: where constant tables live and how they are read.
 *
 * Every macro has a default and can be set from the build (`-DMW_FLASH=...`).
 */
#ifndef MILLIWATT_CONFIG_H
#define MILLIWATT_CONFIG_H

#include <stdint.h>
#include <string.h>

/**
 * MW_USE_PROGMEM: 1 when constants need their own reading instructions to stay in flash.
 * Default: 1 on 8-bit AVR, else 0 (`const` data is in flash and readable in place).
 * AVR tables must lie in the first 64 KiB of flash, as `PROGMEM` puts them.
 */
#ifndef MW_USE_PROGMEM
#if defined(__AVR__)
#define MW_USE_PROGMEM 1
#else
#define MW_USE_PROGMEM 0
#endif
#endif

#if MW_USE_PROGMEM
#include <avr/pgmspace.h>
#define MW_FLASH PROGMEM
#define MW_READ_8(address) pgm_read_byte(address)
#define MW_READ_16(address) pgm_read_word(address)
#define MW_READ_32(address) pgm_read_dword(address)
#define MW_READ_POINTER(address) ((const void *) pgm_read_word(address))
#define MW_READ_BYTES(to, from, size) ((void) memcpy_P((to), (from), (size)))
#else
/** MW_FLASH: attribute of constant tables. */
#ifndef MW_FLASH
#define MW_FLASH
#endif
/** Read an unsigned integer of 8, 16 or 32 bits from a ::MW_FLASH table of that very type. */
#define MW_READ_8(address) (*(const uint8_t *) (address))
#define MW_READ_16(address) (*(const uint16_t *) (address))
#define MW_READ_32(address) (*(const uint32_t *) (address))
/** Read a `const void *` from a ::MW_FLASH object. */
#define MW_READ_POINTER(address) (*(const void *const *) (address))
/** Copy bytes out of a ::MW_FLASH object. */
#define MW_READ_BYTES(to, from, size) ((void) memcpy((to), (from), (size)))
#endif

/**
 * MW_UNALIGNED: 1 when 32-bit loads may begin at any byte and the lowest byte comes first.
 * Default: where the compiler says so. A CPU set up to trap on them needs 0.
 */
#ifndef MW_UNALIGNED
#if (defined(__ARM_FEATURE_UNALIGNED) && !defined(__ARM_BIG_ENDIAN)) || defined(__x86_64__) || \
    defined(__i386__) || (defined(__aarch64__) && !defined(__AARCH64EB__))
#define MW_UNALIGNED 1
#else
#define MW_UNALIGNED 0
#endif
#endif

/**
 * MW_CMSIS_NN: 1 when CMSIS-NN computes the sums of dense and convolutional layers of bytes: the same sums,
 * of weights in another order. Its headers have to be found, and its `arm_nn_mat_mult_nt_t_s8_s32` to be
 * linked. Default: 0. The library and all models need the same setting; where they differ, they do not link.
 */
#ifndef MW_CMSIS_NN
#define MW_CMSIS_NN 0
#endif
#if MW_CMSIS_NN && defined(ESP_PLATFORM)
#error "MW_CMSIS_NN is for Arm Cortex-M; ESP-NN cannot take its place (docs/nets.md): build without it"
#elif MW_CMSIS_NN && MW_USE_PROGMEM
#error "MW_CMSIS_NN needs tables that can be read in place: build without it"
#endif

/**
 * MW_CMSIS_DSP: 1 when CMSIS-DSP does transforms of floats (arm_cfft_f32) and recursive filters of floats of
 * one channel (arm_biquad_cascade_df2T_f32), docs/signals.md says where. Its headers have to be found and its
 * functions to be linked. Default: 0. The library alone needs the setting, not who calls it.
 */
#ifndef MW_CMSIS_DSP
#define MW_CMSIS_DSP 0
#endif
#if MW_CMSIS_DSP && defined(ESP_PLATFORM)
#error "MW_CMSIS_DSP is for Arm Cortex-M: build without it"
#elif MW_CMSIS_DSP && MW_USE_PROGMEM
#error "MW_CMSIS_DSP needs tables that can be read in place: build without it"
#endif

#endif
