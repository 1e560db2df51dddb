/* SPDX-License-Identifier: Apache-2.0 */
/* Sentences broken at 80 columns. */
#include "cli/claim.h"

#include <string.h>

void cli_print_wrapped(const char *text, const char *indent)
{
    size_t margin = strlen(indent), column = margin;
    cli_say("%s", indent);
    while (*text) {
        size_t length = strcspn(text, " ");
        if (column > margin && column + 1 + length > 80) {
            cli_say("\n%s", indent);
            column = margin;
        }
        column += (size_t)cli_say("%s%.*s", column > margin ? " " : "", (int)length, text);
        text += length;
        text += strspn(text, " ");
    }
    cli_say("\n");
}
