/* SPDX-License-Identifier: Apache-2.0 */
/*
 * escape: text of a case put into HTML so that it stays text. Markup characters become entities;
 * control characters and those that reorder text (U+202A to U+202E, U+2066 to U+2069, U+200E and
 * U+200F) become U+FFFD, so that nothing on the page reads other than it is stored.
 */
#ifndef REPORT_ESCAPE_H
#define REPORT_ESCAPE_H

#include <stdio.h>

/* NULL prints nothing. The text is valid UTF-8. */
void escape(FILE *to, const char *text);

#endif
