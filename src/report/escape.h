/* SPDX-License-Identifier: Apache-2.0 */
/*
 * escape: text of a case put where it stays text. Control characters and those that reorder or
 * hide text become U+FFFD, so that nothing on a terminal reads other than it is stored.
 */
#ifndef REPORT_ESCAPE_H
#define REPORT_ESCAPE_H

#include <stddef.h>
#include <stdio.h>

/*
 * Bytes of the character at `text` if it may not be shown, else 0: C0 and C1 controls, DEL,
 * U+061C, U+200E, U+200F, U+2028 to U+202E, U+2066 to U+2069, U+FEFF.
 */
size_t escape_unsafe(const char *text);

/* `text` for a terminal; returns the characters printed. NULL prints nothing. */
size_t escape_plain(FILE *to, const char *text, size_t bytes);

#endif
