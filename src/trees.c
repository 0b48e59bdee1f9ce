/* SPDX-License-Identifier: MIT */
#include <milliwatt/trees.h>

static uint32_t root_of(const mw_trees *m, uint_fast16_t tree)
{
    if (m->wide) {
        return MW_READ_32((const uint32_t *) m->roots + tree);
    }
    return MW_READ_16((const uint16_t *) m->roots + tree);
}

/* The model's own few words: in place, or copied out of flash where that has to be read specially. */
#if MW_USE_PROGMEM
#define OPEN_MODEL(m, in_flash) \
    mw_trees m##_copy;          \
    MW_READ_BYTES(&m##_copy, (in_flash), sizeof m##_copy); \
    const mw_trees *const m = &m##_copy
#else
#define OPEN_MODEL(m, in_flash) const mw_trees *const m = (in_flash)
#endif

void mw_trees_votes(const mw_trees *model, const void *features, uint16_t *sums)
{
    OPEN_MODEL(m, model);
    memset(sums, 0, m->n_outputs * sizeof *sums);
    for (uint_fast16_t tree = 0; tree < m->n_trees; ++tree) {
        ++sums[m->walk(m, features, root_of(m, tree))];
    }
}

void mw_trees_sum16(const mw_trees *model, const void *features, int32_t *sums)
{
    OPEN_MODEL(m, model);
    memset(sums, 0, m->n_outputs * sizeof *sums);
    for (uint_fast16_t tree = 0; tree < m->n_trees; ++tree) {
        const size_t row = (size_t) m->walk(m, features, root_of(m, tree)) * m->n_outputs;
        mw_add_row16((const int16_t *) m->values + row, m->n_outputs, sums);
    }
}

void mw_trees_sum32(const mw_trees *model, const void *features, int64_t *sums)
{
    OPEN_MODEL(m, model);
    memset(sums, 0, m->n_outputs * sizeof *sums);
    for (uint_fast16_t tree = 0; tree < m->n_trees; ++tree) {
        const size_t row = (size_t) m->walk(m, features, root_of(m, tree)) * m->n_outputs;
        mw_add_row32((const int32_t *) m->values + row, m->n_outputs, sums);
    }
}
