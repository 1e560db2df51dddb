/* SPDX-License-Identifier: Apache-2.0 */
/* lines: text from a case, laid out for a terminal; control characters are replaced. */
#ifndef REPORT_LINES_H
#define REPORT_LINES_H

#include <stdio.h>

/* Text folded at words, every line after the first indented by the length of `lead`. */
void lines_fold(FILE *to, const char *lead, const char *text);

/* At most `width` characters of `text`, padded to as many. */
void lines_column(FILE *to, const char *text, size_t width);

#endif
