/* SPDX-License-Identifier: MIT */
/** @file
 * What follows from the leaves that a sample reaches: the second half of <milliwatt/trees_walk.h> and
 * <milliwatt/trees_compact.h>, which define how one tree after the other is walked and what a leaf is:
 *
 *     MW_T_NAME(place), MW_T_NAME(first_place)(), MW_T_NAME(next_leaf)(&place, x)
 *     MW_T_NAME(leaf_number)(leaf)       the class (votes) or the rank (medians)
 *     MW_T_NAME(add_leaf)(leaf, sums)    rows
 *
 * It defines
 *
 *     static int gesture_count_votes(const T *x, S *sums, S enough);           votes
 *     static void gesture_add_trees(const T *x, int32_t *sums, int early);     rows
 *     static void gesture_add_trees(const T *x, uint32_t *ranks);              medians
 *
 * and takes its parameters away again.
 *
 * ## Parameters
 *
 *     MW_T_SUM           C type of a sum
 *     MW_T_TREES         number of trees
 *     MW_T_VOTES         1: every leaf is one vote
 *     MW_T_MEDIAN        defined: every tree's rank is kept, nothing is added up
 *
 * and for rows
 *
 *     MW_T_WIDTH         numbers in a row
 *     MW_T_SUMS          numbers that trees add to, in turn if there are more than a row has
 *     MW_T_ONE           0, or what a row adds up to, so that one further sum follows from the others
 *     MW_T_STEP          rounds from one check for an early end to the next; 0: none
 *     MW_T_FIRST_STOP    rounds before the first check
 *     MW_T_BINARY        1: a single sum decides between two classes
 *
 * A round is one tree, or as many trees as it takes to add to all sums.
 */
#if MW_T_VOTES

/* Votes; the first class with `enough` of them, plus 1, or 0 when none gets so many (`enough` 0: never). */
static int MW_T_NAME(count_votes)(const MW_T_FEATURE *x, MW_T_SUM *sums, MW_T_SUM enough)
{
    MW_T_NAME(place) place = MW_T_NAME(first_place)();
    uint_fast16_t trees = MW_T_TREES;
    do {
        const uint32_t row = MW_T_NAME(leaf_number)(MW_T_NAME(next_leaf)(&place, x));
        const MW_T_SUM votes = (MW_T_SUM) (sums[row] + 1U);
        sums[row] = votes;
        if (votes == enough) {
            return (int) row + 1;
        }
    } while (--trees != 0);
    return 0;
}

#elif defined(MW_T_MEDIAN)

/* Every tree's rank, in order. */
static void MW_T_NAME(add_trees)(const MW_T_FEATURE *x, MW_T_SUM *ranks)
{
    MW_T_NAME(place) place = MW_T_NAME(first_place)();
    for (uint_fast16_t tree = 0; tree < MW_T_TREES; ++tree) {
        ranks[tree] = (MW_T_SUM) MW_T_NAME(leaf_number)(MW_T_NAME(next_leaf)(&place, x));
    }
}

#else

#define MW_T_ROUND (MW_T_SUMS / MW_T_WIDTH) /* trees it takes to add to every sum */
#define MW_T_ROUNDS (MW_T_TREES / MW_T_ROUND)

/* Leaf rows; with `early` it ends as soon as no tree that is left can change the answer. */
static void MW_T_NAME(add_trees)(const MW_T_FEATURE *x, MW_T_SUM *sums, int early)
{
    MW_T_NAME(place) place = MW_T_NAME(first_place)();
    uint_fast16_t rounds = 0;
#if MW_T_STEP
    uint_fast16_t stop = MW_T_FIRST_STOP;
    uint_fast16_t checks = 0;
#endif
    for (;;) {
        for (uint_fast16_t at = 0; at < MW_T_SUMS; at = (uint_fast16_t) (at + MW_T_WIDTH)) {
            MW_T_NAME(add_leaf)(MW_T_NAME(next_leaf)(&place, x), sums + at);
        }
        ++rounds;
        if (rounds == MW_T_ROUNDS) {
            break;
        }
#if MW_T_STEP
        if (rounds == stop) {
            stop = (uint_fast16_t) (stop + MW_T_STEP);
            if (early != 0) {
#if MW_T_BINARY
                const int32_t *const limit = MW_T_NAME(limits) + 2 * checks;
                if (mw_decided(sums, (int32_t) MW_READ_32(limit), (int32_t) MW_READ_32(limit + 1))) {
                    return;
                }
#else
#if MW_T_ONE
                sums[MW_T_SUMS] = mw_rest(sums, MW_T_SUMS, (MW_T_SUM) rounds * MW_T_ONE);
#endif
                if (mw_lead(sums, MW_T_SUMS + (MW_T_ONE != 0)) >
                    (int32_t) MW_READ_32(MW_T_NAME(limits) + checks)) {
                    return;
                }
#endif
            }
            ++checks;
        }
#endif
    }
#if MW_T_ONE
    sums[MW_T_SUMS] = mw_rest(sums, MW_T_SUMS, (MW_T_SUM) MW_T_TREES * MW_T_ONE);
#endif
    (void) early;
}

#undef MW_T_ROUND
#undef MW_T_ROUNDS
#endif

#undef MW_T_READ_THRESHOLD
#undef MW_T_NAME
#undef MW_T_FEATURE
#undef MW_T_IS_FLOAT
#undef MW_T_THRESHOLD
#undef MW_T_MISSING
#undef MW_T_CATEGORIES
#undef MW_T_CATEGORY
#undef MW_T_TREES
#undef MW_T_SUM
#undef MW_T_VOTES
#undef MW_T_WIDTH
#undef MW_T_SUMS
#undef MW_T_ONE
#undef MW_T_STEP
#undef MW_T_FIRST_STOP
#undef MW_T_BINARY
#undef MW_T_MEDIAN
