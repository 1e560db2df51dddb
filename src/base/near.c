/* SPDX-License-Identifier: Apache-2.0 */
#include "base/near.h"

#include <ctype.h>
#include <string.h>

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Wagner and Fischer's table, one row at a time. */
size_t near_distance(const char *a, const char *b)
{
    size_t row[NEAR_MOST], n = strlen(b);
    if (n >= NEAR_MOST || strlen(a) >= NEAR_MOST)
        return NEAR_MOST;
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 1; *a; a++, i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            bool other = tolower((unsigned char)*a) != tolower((unsigned char)b[j - 1]);
            size_t change = diagonal + other;
            diagonal = row[j];
            row[j] = least(change, least(row[j], row[j - 1]) + 1);
        }
    }
    return row[n];
}

bool near_enough(const char *typed, const char *known)
{
    size_t letters = strlen(known);
    return near_distance(typed, known) <= (letters < 6 ? 1 : letters / 3);
}
