/* SPDX-License-Identifier: Apache-2.0 */
/* base64: RFC 4648 section 4, one spelling for each value. */
#ifndef CUSTODY_BASE64_H
#define CUSTODY_BASE64_H

#include <stdbool.h>
#include <stddef.h>

/* The text of `size` bytes; free() it. NULL if memory is short or `size` is over 1 GiB. */
char *base64_text(const unsigned char *bytes, size_t size);

/*
 * The bytes of `text`; free() them. NULL if it is not base64 as base64_text writes it: no line
 * breaks, padded, its unused bits zero. A second spelling of the same bytes is refused, so that no
 * character of a signature file can change unnoticed.
 */
unsigned char *base64_bytes(const char *text, size_t *size);

#endif
