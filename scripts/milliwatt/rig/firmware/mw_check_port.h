/* SPDX-License-Identifier: MIT */
/** @file
 * What the check firmware needs of a board. One port_*.c or .cpp file implements all of it.
 */
#ifndef MW_CHECK_PORT_H
#define MW_CHECK_PORT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What mw_check_elapsed() counts: "instructions", "cycles", "ns" or "us". */
const char *mw_check_unit(void);

/** The next byte from the PC, 0 to 255; blocks. -1 when the PC is gone, where a board can tell. */
int mw_check_read(void);

/** Sends bytes to the PC; blocks until they are accepted. */
void mw_check_write(const char *data, size_t size);

/** A free-running counter that wraps at 2^32; meaningful through mw_check_elapsed() only. */
uint32_t mw_check_counter(void);

/** Units between two readings, the cost of the readings themselves taken off. */
uint32_t mw_check_elapsed(uint32_t begin, uint32_t end);

/** Fills the unused stack below the caller with a pattern. */
void mw_check_stack_paint(void);

/** Bytes of stack used since the paint, from a fixed address above the caller; 0: not known. */
size_t mw_check_stack_used(void);

/** The firmware: serves the PC until it is gone. A port calls this once, when all is set up. */
void mw_check_serve(void);

#ifdef __cplusplus
}
#endif

#endif
