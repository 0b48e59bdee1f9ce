/*
 * What a program on an emulated board may ask of it. Linked into every project on the
 * `milliwatt-virtual` PlatformIO platform; C99, C11 and C++.
 *
 * stdio (printf, puts, getchar) uses the same serial port, unbuffered, so it may be mixed with
 * the calls below. `int main(void)` is the program's own; what it returns goes to mw_board_exit().
 */
#ifndef MW_BOARD_H
#define MW_BOARD_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Board identifier, as in platformio.ini: "qemu_cortex_m4f". */
extern const char mw_board_name[];

/* What mw_board_elapsed() counts: "instructions" (QEMU), "cycles" (simavr) or "ns" (host). */
extern const char mw_board_counter_unit[];

/* Next byte from the serial port, 0..255. Blocks. -1 when the peer is gone (host and simavr only:
 * QEMU's serial ports do not tell). */
int mw_board_read(void);

/* Writes n bytes to the serial port. Blocks until the last one is accepted. */
void mw_board_write(const char *data, size_t n);

/* Raw free-running counter; ticks up and wraps at 2^32. Meaningful only through mw_board_elapsed(). */
uint32_t mw_board_counter(void);

/* Exact units spent between two readings of mw_board_counter(); the readings' own cost is taken
 * off, so that an empty section is 0. The README has the longest section each board can measure. */
uint32_t mw_board_elapsed(uint32_t begin, uint32_t end);

/* Ends the emulator. `status` is its exit status; what does not fit in 0..255 becomes 255. */
#if defined(__cplusplus)
[[noreturn]]
#elif defined(__GNUC__)
__attribute__((noreturn))
#endif
void mw_board_exit(int status);

/* Fills the unused stack, from just below the caller's frame, with a pattern. */
void mw_board_stack_paint(void);

/* Most stack used at any time since the paint, in bytes from the top of the stack: it includes
 * what the callers of mw_board_stack_paint() were using. */
size_t mw_board_stack_used(void);

#ifdef __cplusplus
}
#endif

#endif
