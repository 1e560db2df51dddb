/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bundle: the page that web/ builds, script and style inside, as two texts: a page is
 * bundle_before, a report's JSON (or null), bundle_after. The arrays are made by web/build.mjs.
 */
#ifndef REPORT_BUNDLE_H
#define REPORT_BUNDLE_H

#include <stddef.h>

extern const unsigned char bundle_before[], bundle_after[];
extern const size_t bundle_before_size, bundle_after_size;

#endif
