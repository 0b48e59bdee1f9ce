#ifndef MEASURE_H
#define MEASURE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Cost of n rounds of KNOWN_LOOP beyond setting it up, as mw_board_elapsed() counts it. */
uint32_t measure_known(uint32_t n);
uint32_t measure_empty(void);
uint32_t measure_ten_nops(void);

/* Uses about `bytes` of stack and gives back something the compiler cannot know. */
uint32_t use_stack(uint32_t bytes);

/* A sum over a C++ object built before main(), through a virtual function. */
int constructed_sum(void);

#ifdef __cplusplus
}
#endif

#endif
