/* SPDX-License-Identifier: Apache-2.0 */
/*
 * escape: text that strangers wrote (names of tensors and files, notes, prompts, exhibits) put on a
 * terminal so that it stays text. Control characters, bytes that are not UTF-8, and characters
 * that reorder or break lines become U+FFFD: nothing reads other than it is stored, moves the
 * cursor or forges a line. Nothing here fails but by memory.
 */
#ifndef BASE_ESCAPE_H
#define BASE_ESCAPE_H

#include <assay/base.h>

#include <stdarg.h>
#include <stdio.h>

/*
 * Bytes of the character that begins at `text` if it may not be shown, else 0: C0 and C1 controls,
 * DEL, bytes that are not UTF-8, U+061C, U+200E, U+200F, U+2028 to U+202E, U+2066 to U+2069,
 * U+FEFF. `text` ends with NUL, which counts as one of them.
 */
size_t escape_unsafe(const char *text);

/* At most `bytes` of `text`; returns the characters printed. A `text` of NULL prints nothing; a
 * `to` of NULL only counts. */
size_t escape_plain(FILE *to, const char *text, size_t bytes);

/* The same into `copy` of `size` bytes (1 or more), cut at a whole character. */
void escape_copy(char *copy, size_t size, const char *text);

/*
 * fprintf in which each %s is put as by escape_plain, its precision in bytes and its width in
 * characters; what stands in `format` itself is put as it is. All conversions but %n and %p, wide
 * characters and `long double`. Returns the characters printed.
 */
int escape_print(FILE *to, const char *format, ...) ASSAY_PRINTF(2, 3);
int escape_vprint(FILE *to, const char *format, va_list list) ASSAY_PRINTF(2, 0);

#endif
