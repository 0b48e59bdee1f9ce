/* SPDX-License-Identifier: MIT */
/** @file
 * Any bytes as a `*.mw.bin`, for libFuzzer: no input may make the reader touch a byte that is not its own,
 * overflow, or not end.
 *
 *     python tests/fuzz/model_corpus.py build/fuzz/corpus
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -Iinclude \
 *         tests/fuzz/fuzz_model.c src/model*.c -o build/fuzz/fuzz_model
 *     build/fuzz/fuzz_model -runs=1000000 -max_len=4096 build/fuzz/corpus
 *
 * Magic, version, length and CRC are put right first, so that inputs reach the checks behind them; but not in
 * inputs of 4n + 1 bytes whose last byte is a multiple of 8.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <milliwatt/model.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const float special_floats[] = {0.0f, -0.0f, 1e-45f, -1e-45f, 3e38f, -3e38f, 1.0f, 65536.0f};

/* CRC-32 bit by bit: not the code that is tested. */
static uint32_t crc32(const uint8_t *data, size_t size)
{
    uint32_t crc = UINT32_C(0xffffffff);
    for (size_t i = 0; i < size; ++i) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; ++bit) {
            crc = crc >> 1 ^ (UINT32_C(0xedb88320) & (0U - (crc & 1U)));
        }
    }
    return ~crc;
}

static void put_right(uint8_t *data, size_t size)
{
    const uint8_t head[8] = {'M', 'W', 'M', 'B', MW_MODEL_VERSION, 0, 80, 0};
    const uint32_t length = (uint32_t) (size & ~(size_t) 3);
    uint32_t crc;
    if (length < 80) {
        return;
    }
    memcpy(data, head, sizeof head);
    memcpy(data + 8, &length, 4);
    crc = crc32(data + 16, length - 16U);
    memcpy(data + 12, &crc, 4);
}

static void *block(size_t bytes)
{
    void *found = malloc(bytes != 0 ? bytes : 1);
    if (found == NULL) {
        abort();
    }
    return found;
}

/* Sample number `kind`: one value everywhere, an extreme one, or values that change from feature to feature.
 */
static void *sample(const mw_model *model, unsigned kind)
{
    const size_t n = (size_t) mw_model_n_features(model);
    static const size_t widths[] = {4, 1, 1, 2, 4};
    const size_t width = widths[mw_model_feature_type(model)];
    uint8_t *x = (uint8_t *) block(n * width);
    for (size_t i = 0; i < n; ++i) {
        /* Integers: 0, -1, the lowest, the highest. Floats: 0, NaN, -0, NaN, the infinities, odd ones. */
        uint32_t bits = kind == 0   ? 0U
                        : kind == 1 ? UINT32_C(0xffffffff)
                        : kind == 2 ? UINT32_C(0x80) << (8 * (width - 1))
                        : kind == 3 ? UINT32_C(0x7fffffff) >> (32 - 8 * width)
                        : kind == 4 ? UINT32_C(0x7f800000)
                        : kind == 5 ? UINT32_C(0xff800000)
                                    : (uint32_t) i * UINT32_C(2654435761);
        if (kind == 7 && mw_model_feature_type(model) == MW_FLOAT) {
            memcpy(&bits, special_floats + i % 8U, sizeof bits);
        }
        memcpy(x + i * width, &bits, width);
    }
    return x;
}

static void predict(const mw_model *model, unsigned kind)
{
    const mw_feature_type type = (mw_feature_type) mw_model_feature_type(model);
    const int n = mw_model_n_features(model);
    const int n_sums = mw_model_n_sums(model);
    const int k = mw_model_n_classes(model) > n_sums ? mw_model_n_classes(model) : n_sums;
    void *const x = sample(model, kind);
    int32_t *const sums = (int32_t *) block((size_t) n_sums * sizeof *sums);
    float *const out = (float *) block((size_t) k * sizeof *out);
    const int found = mw_model_predict(model, type, x, n, sums, n_sums);
    if (found >= 0 && found >= mw_model_n_classes(model)) {
        abort();
    }
    if (strlen(mw_model_class_name(model, found)) >= 4096) {
        abort();
    }
    (void) mw_model_predict_proba(model, type, x, n, sums, n_sums, out, k);
    (void) mw_model_score(model, type, x, n, sums, n_sums, out, k);
    (void) mw_model_regress(model, type, x, n, sums, n_sums, out, k);
    free(x);
    free(sums);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *const copy = (uint8_t *) block(size);
    mw_model model;
    if (size != 0) {
        memcpy(copy, data, size);
    }
    if (size == 0 || data[size - 1] % 8U != 0 || size % 4U != 1U) {
        put_right(copy, size);
    }
    if (mw_model_open(copy, size, &model) == MW_OK) {
        for (unsigned kind = 0; kind < 8; ++kind) {
            predict(&model, kind);
        }
    }
    free(copy);
    return 0;
}
