/* SPDX-License-Identifier: MIT */
/** @file
 * Lines of text with a CRC-32 each, `payload*crc\n`, as PROTOCOL.md describes them.
 *
 * No line is held in memory: characters are checked and decoded as they come, so that a part with
 * 2 KiB of RAM takes lines of any length.
 */
#ifndef MW_CHECK_LINK_H
#define MW_CHECK_LINK_H

#include <stddef.h>
#include <stdint.h>

/** What mw_link_end() found. */
enum { MW_LINK_WHOLE, MW_LINK_GARBLED, MW_LINK_EMPTY, MW_LINK_GONE };

/** @name Receiving. Begin, take what the line should hold, end; what was taken counts only if the
 * line proves MW_LINK_WHOLE.
 * @{
 */
void mw_link_begin(void);
/** The next character of the payload, -1 at its end. */
int mw_link_next(void);
/** The next two characters as a byte; -1 if they are not two lower-case hex digits. */
int mw_link_byte(void);
/** The next eight hex digits as a number, highest digit first; *ok becomes 0 if they are not. */
uint32_t mw_link_number(int *ok);
/** 1 if the whole payload was taken. */
int mw_link_at_end(void);
/** Skips the rest of the line and says how it was. */
int mw_link_end(void);
/** @} */

/** @name Sending. @{ */
void mw_link_text(const char *text);
/** A space and a decimal number. */
void mw_link_decimal(uint32_t value);
/** Bytes as hex digits, in the order they have in memory. */
void mw_link_image(const void *data, size_t size);
/** Eight hex digits, highest first. */
void mw_link_hex(uint32_t value);
/** Adds the CRC and sends the line. */
void mw_link_send(void);
/** @} */

#endif
