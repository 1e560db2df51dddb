/* SPDX-License-Identifier: Apache-2.0 */
#include "report/escape.h"

#include <stdbool.h>
#include <stddef.h>

/* Length of a character at `text` that reorders what surrounds it, or 0. */
static size_t reorders(const unsigned char *text)
{
    if (text[0] != 0xE2 || (text[1] != 0x80 && text[1] != 0x81))
        return 0;
    bool mark = text[1] == 0x80 && (text[2] == 0x8E || text[2] == 0x8F);
    bool embedding = text[1] == 0x80 && text[2] >= 0xAA && text[2] <= 0xAE;
    bool isolate = text[1] == 0x81 && text[2] >= 0xA6 && text[2] <= 0xA9;
    return mark || embedding || isolate ? 3 : 0;
}

void escape(FILE *to, const char *text)
{
    if (!text)
        return;
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        size_t hidden = reorders(c);
        if (hidden || *c < 0x20 || *c == 0x7f) {
            fputs("\xEF\xBF\xBD", to);
            c += hidden ? hidden - 1 : 0;
        } else if (*c == '&') {
            fputs("&amp;", to);
        } else if (*c == '<') {
            fputs("&lt;", to);
        } else if (*c == '>') {
            fputs("&gt;", to);
        } else if (*c == '"') {
            fputs("&quot;", to);
        } else if (*c == '\'') {
            fputs("&#39;", to);
        } else {
            fputc(*c, to);
        }
    }
}
