/* SPDX-License-Identifier: MIT */
/*
 * Cost and stack of a call through a pointer, less those of the same call of a function that does
 * nothing.
 *
 * The stack is painted once. So that the mark it leaves is the model's, and not that of talking to the PC
 * or of reading the counter, the model is called once more from below a pad deeper than those ever
 * reach; the marks prove it.
 */
#include "mw_check_measure.h"

#include "mw_check_port.h"

#ifndef MW_CHECK_STACK_PAD
#if defined(__AVR__)
#define MW_CHECK_STACK_PAD 96
#elif defined(ARDUINO) /* a driver, and interrupts */
#define MW_CHECK_STACK_PAD 1024
#elif UINTPTR_MAX > 0xffffffff
#define MW_CHECK_STACK_PAD 16384
#else
#define MW_CHECK_STACK_PAD 320
#endif
#endif

#if MW_CHECK_OUTPUTS > 0
#define PARAMETERS const MW_CHECK_TYPE *features, int n_features, float *outputs, int n_outputs
#define ARGUMENTS mw_check_features, MW_CHECK_FEATURES, mw_check_outputs, MW_CHECK_OUTPUTS
#define IGNORE_PARAMETERS (void) features, (void) n_features, (void) outputs, (void) n_outputs
float mw_check_outputs[MW_CHECK_OUTPUTS];
#else
#define PARAMETERS const MW_CHECK_TYPE *features, int n_features
#define ARGUMENTS mw_check_features, MW_CHECK_FEATURES
#define IGNORE_PARAMETERS (void) features, (void) n_features
#endif

typedef int function(PARAMETERS);

static int nothing(PARAMETERS)
{
    IGNORE_PARAMETERS;
    return 0;
}

/* Volatile: the compiler must neither know which functions these are nor drop their calls. The
 * firmware without a model differs in an initial value only. */
static function *volatile empty = nothing;
#ifdef MW_CHECK_BASELINE
static function *volatile predict = nothing;
#else
static function *volatile predict = MW_CHECK_PREDICT;
#endif
static volatile size_t pad_size = MW_CHECK_STACK_PAD;

MW_CHECK_TYPE mw_check_features[MW_CHECK_FEATURES];

static uint32_t overhead;
static mw_check_stack stack;

static __attribute__((noinline)) int timed(function *called, uint32_t *cost)
{
    const uint32_t begin = mw_check_counter();
    const int answer = called(ARGUMENTS);
    const uint32_t end = mw_check_counter();
    *cost = mw_check_elapsed(begin, end);
    return answer;
}

#ifdef MW_CHECK_STREAM
/* What a stream is given changes its state, so it is called once: the reading of the counter is then below
 * the pad, too. */
#define CALL(called, cost) timed(called, cost)
#else
#define CALL(called, cost) ((void) (cost), called(ARGUMENTS))
#endif

static __attribute__((noinline)) int padded(function *called, uint32_t *cost)
{
    /* Of a size the compiler does not know: such an array lies at the very bottom of the frame. */
    volatile uint8_t pad[pad_size];
    for (size_t i = 0; i < sizeof pad; ++i) {
        pad[i] = 0;
    }
    return CALL(called, cost);
}

void mw_check_measure_begin(void)
{
#ifndef MW_CHECK_STREAM
    uint32_t cost;
    /* What only a first call does, such as a dynamic linker's work, is not the model's cost. */
    (void) timed(predict, &cost);
#endif
    mw_check_stack_paint();
}

/* At the first prediction: by then the firmware has talked. */
static void measure_nothing(void)
{
    uint32_t cost;
    /* Where costs vary the least is right, so that no prediction seems cheaper than it is. */
    overhead = UINT32_MAX;
    for (uint8_t i = 0; i < 16; ++i) {
        (void) timed(empty, &cost);
        overhead = cost < overhead ? cost : overhead;
    }
    stack.talk = mw_check_stack_used();
    (void) padded(empty, &cost);
    stack.nothing = mw_check_stack_used();
}

int mw_check_predict(uint32_t *cost)
{
    int answer;
    if (stack.nothing == 0) {
        measure_nothing();
    }
    answer = padded(predict, cost);
#ifndef MW_CHECK_STREAM
    answer = timed(predict, cost);
#endif
    *cost = *cost > overhead ? *cost - overhead : 0;
    return answer;
}

mw_check_stack mw_check_measure_stack(void)
{
    stack.predict = mw_check_stack_used();
    return stack;
}
