/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

#include <string.h>

/* Length of the sequence that starts at bytes[0] with `left` bytes left, or 0. */
static size_t sequence(const unsigned char *bytes, size_t left)
{
    unsigned char lead = bytes[0];
    if (lead < 0x80)
        return lead != 0;
    size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || length > left)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((bytes[i] & 0xC0) != 0x80)
            return 0;
    if ((lead == 0xE0 && bytes[1] < 0xA0) || (lead == 0xED && bytes[1] > 0x9F) ||
        (lead == 0xF0 && bytes[1] < 0x90) || (lead == 0xF4 && bytes[1] > 0x8F))
        return 0; /* overlong, surrogate, or beyond U+10FFFF */
    return length;
}

size_t utf8_valid_prefix(const unsigned char *bytes, size_t size)
{
    size_t i = 0;
    while (i < size) {
        size_t length = sequence(bytes + i, size - i);
        if (length == 0)
            return i;
        i += length;
    }
    return size;
}

size_t utf8_mark(const void *bytes, size_t size)
{
    return size >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
}
