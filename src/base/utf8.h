/* SPDX-License-Identifier: Apache-2.0 */
/* utf8: whether bytes are well-formed UTF-8 (RFC 3629) without NUL. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>

/* The offset of the first byte that is not, or `size` if all are. */
size_t utf8_valid_prefix(const unsigned char *bytes, size_t size);

/* Length of the mark that some programs put before UTF-8 (U+FEFF): 3, or 0 without one. */
size_t utf8_mark(const void *bytes, size_t size);

#endif
