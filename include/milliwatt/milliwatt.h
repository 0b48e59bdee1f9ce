/* SPDX-License-Identifier: MIT */
/** @file
 * Everything of the library in one include.
 */
#ifndef MILLIWATT_MILLIWATT_H
#define MILLIWATT_MILLIWATT_H

#include <milliwatt/cepstrum.h>
#include <milliwatt/committee.h>
#include <milliwatt/config.h>
#include <milliwatt/decisions.h>
#include <milliwatt/emphasis.h>
#include <milliwatt/fft.h>
#include <milliwatt/fir.h>
#include <milliwatt/iir.h>
#include <milliwatt/links.h>
#include <milliwatt/logarithm.h>
#include <milliwatt/mel.h>
#include <milliwatt/model.h>
#include <milliwatt/nets.h>
#include <milliwatt/quantize.h>
#include <milliwatt/roots.h>
#include <milliwatt/running.h>
#include <milliwatt/sound_level.h>
#include <milliwatt/spectral.h>
#include <milliwatt/spectrum.h>
#include <milliwatt/status.h>
#include <milliwatt/stream.h>
#include <milliwatt/time_features.h>
#include <milliwatt/trees.h>
#include <milliwatt/vectors.h>
#include <milliwatt/version.h>
#include <milliwatt/views.h>
#include <milliwatt/windows.h>

#endif
