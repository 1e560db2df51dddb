/* SPDX-License-Identifier: Apache-2.0 */
#include "report/lines.h"

#include "base/escape.h"

#include <string.h>

#define WIDTH 80

/* Text folded at words, every line after the first indented; control characters replaced. */
void lines_fold(FILE *to, const char *lead, const char *text)
{
    size_t indent = strlen(lead), column = indent;
    fputs(lead, to);
    while (*text) {
        size_t word = strcspn(text, " ");
        if (column > indent && column + 1 + word > WIDTH) {
            fprintf(to, "\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            fputc(' ', to);
            column++;
        }
        column += escape_plain(to, text, word);
        text += word + (text[word] == ' ');
    }
    fputc('\n', to);
}

/* At most `width` characters of `text`, padded to as many. */
void lines_column(FILE *to, const char *text, size_t width)
{
    size_t bytes = 0;
    for (size_t characters = 0; text[bytes]; bytes++)
        if (((unsigned char)text[bytes] & 0xC0) != 0x80 && characters++ == width)
            break;
    size_t shown = escape_plain(to, text, bytes);
    fprintf(to, "%*s", (int)(width - shown), "");
}
