/* SPDX-License-Identifier: MIT */
/* Any board with an Arduino core: Serial for the line, a cycle counter where the CPU has one. */
#include <Arduino.h>

#include "mw_check_port.h"

#ifndef MW_CHECK_BAUD
#define MW_CHECK_BAUD 115200
#endif

/* How deep the stack is watched; a task's stack must have that much left. */
#ifndef MW_CHECK_STACK_WINDOW
#define MW_CHECK_STACK_WINDOW 2048
#endif

namespace
{

const uint8_t PATTERN = 0xa5;
uint8_t *stack_top;
uint8_t *stack_floor;

#if defined(ESP32)
const char UNIT[] = "cycles";
void counter_begin()
{
}
uint32_t counter()
{
    return ESP.getCycleCount();
}
#elif defined(DWT) && defined(DWT_CTRL_CYCCNTENA_Msk)
const char UNIT[] = "cycles";
void counter_begin()
{
    CoreDebug->DEMCR |= CoreDebug_DEMCR_TRCENA_Msk;
    DWT->CYCCNT = 0;
    DWT->CTRL |= DWT_CTRL_CYCCNTENA_Msk;
}
uint32_t counter()
{
    return DWT->CYCCNT;
}
#else
const char UNIT[] = "us";
void counter_begin()
{
}
uint32_t counter()
{
    return micros();
}
#endif

} // namespace

extern "C" {

#if defined(__AVR__)
extern uint8_t __heap_start;
extern uint8_t *__brkval;
#endif

const char *mw_check_unit(void)
{
    return UNIT;
}

int mw_check_read(void)
{
    while (Serial.available() == 0) {
        yield(); /* watchdogs and USB stacks want their turn */
    }
    return Serial.read();
}

void mw_check_write(const char *data, size_t size)
{
    Serial.write(reinterpret_cast<const uint8_t *>(data), size);
}

uint32_t mw_check_counter(void)
{
    return counter();
}

uint32_t mw_check_elapsed(uint32_t begin, uint32_t end)
{
    return end - begin;
}

__attribute__((noinline)) void mw_check_stack_paint(void)
{
    stack_top = static_cast<uint8_t *>(__builtin_frame_address(0)) - 32; /* below this frame */
    stack_floor = stack_top - MW_CHECK_STACK_WINDOW;
#if defined(__AVR__)
    stack_floor = __brkval != nullptr ? __brkval : &__heap_start; /* no task: all of it is the stack's */
#endif
    for (volatile uint8_t *p = stack_top; p > stack_floor;) {
        *--p = PATTERN;
    }
}

/* Interrupts use this stack too, on most boards: their frames count. */
size_t mw_check_stack_used(void)
{
    const volatile uint8_t *p = stack_floor;
    while (p < stack_top && *p == PATTERN) {
        ++p;
    }
    /* Down to the floor, or deeper: not known. */
    return p == stack_floor ? 0 : static_cast<size_t>(stack_top - p);
}

} // extern "C"

void setup()
{
    Serial.begin(MW_CHECK_BAUD);
    counter_begin();
}

void loop()
{
    mw_check_serve();
}
