/* SPDX-License-Identifier: Apache-2.0 */
#include "report/escape.h"

#include <stdbool.h>
#include <string.h>

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

size_t escape_unsafe(const char *text)
{
    const unsigned char *c = (const unsigned char *)text;
    if (c[0] < 0x20 || c[0] == 0x7f)
        return 1;
    if (c[0] == 0xC2 && c[1] >= 0x80 && c[1] <= 0x9F) /* C1 controls */
        return 2;
    if (c[0] == 0xD8 && c[1] == 0x9C) /* U+061C */
        return 2;
    if (c[0] == 0xE2 && c[1] == 0x80 &&
        (c[2] == 0x8E || c[2] == 0x8F || (c[2] >= 0xA8 && c[2] <= 0xAE)))
        return 3;
    if (c[0] == 0xE2 && c[1] == 0x81 && c[2] >= 0xA6 && c[2] <= 0xA9)
        return 3;
    if (c[0] == 0xEF && c[1] == 0xBB && c[2] == 0xBF)
        return 3;
    return 0;
}

size_t escape_plain(FILE *to, const char *text, size_t bytes)
{
    size_t characters = 0;
    for (size_t i = 0; text && i < bytes && text[i]; i++) {
        size_t unsafe = escape_unsafe(text + i);
        bool starts = ((unsigned char)text[i] & 0xC0) != 0x80;
        characters += starts;
        if (unsafe) {
            fputs(REPLACEMENT, to);
            i += unsafe - 1;
        } else {
            fputc(text[i], to);
        }
    }
    return characters;
}
