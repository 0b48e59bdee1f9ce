/* SPDX-License-Identifier: MIT */
/** @file
 * Everything of the library in one include.
 */
#ifndef MILLIWATT_MILLIWATT_H
#define MILLIWATT_MILLIWATT_H

#include <milliwatt/committee.h>
#include <milliwatt/config.h>
#include <milliwatt/links.h>
#include <milliwatt/model.h>
#include <milliwatt/status.h>
#include <milliwatt/trees.h>
#include <milliwatt/version.h>

#endif
