/* SPDX-License-Identifier: MIT */
#ifndef SAMPLE_H
#define SAMPLE_H

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Classifies the recorded motion and says what it finds.
 *
 * @param say called with one line of text at a time, without line end; the text is gone afterwards.
 * @return how many windows the board answers otherwise than the PC did; 0 is what you want.
 */
int sample_run(void (*say)(const char *line));

#ifdef __cplusplus
}
#endif

#endif
