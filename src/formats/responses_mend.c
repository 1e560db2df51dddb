/* SPDX-License-Identifier: Apache-2.0 */
/* Text that was written by anything, made into text that a JSON parser takes. */
#include "formats/responses_reading.h"

#include "base/utf8.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static void put_replacement(void *at)
{
    memcpy(at, RESPONSES_REPLACEMENT, 3);
}

static bool is_hex4(const unsigned char *at)
{
    for (int i = 0; i < 4; i++)
        if (!isxdigit(at[i]))
            return false;
    return true;
}

/* 1 for a leading surrogate escape at `at`, 2 for a trailing one, else 0. */
static int surrogate(const unsigned char *at, const unsigned char *end)
{
    if (end - at < 6 || at[0] != '\\' || at[1] != 'u' || !is_hex4(at + 2) ||
        (at[2] != 'd' && at[2] != 'D'))
        return 0;
    int second = tolower(at[3]);
    return second >= '8' && second <= 'b' && !(second > '9' && second < 'a') ? 1
           : second >= 'c' && second <= 'f'                                  ? 2
                                                                             : 0;
}

unsigned char *responses_mend(const unsigned char *bytes, size_t size, size_t *mended_size)
{
    size_t room = 0, n = 0;
    unsigned char *out =
        assay_size_multiply(size, 3, &room) && assay_size_add(room, 1, &room) ? malloc(room) : NULL;
    const unsigned char *end = bytes + size;
    for (const unsigned char *at = bytes; out && at < end;) {
        size_t good = utf8_valid_prefix(at, (size_t)(end - at));
        for (const unsigned char *stop = at + good; at < stop;) {
            int kind = *at == '\\' ? surrogate(at, stop) : 0;
            size_t step = kind == 1 && surrogate(at + 6, stop) == 2   ? 12
                          : *at == '\\' && kind == 0 && at + 1 < stop ? 2
                          : kind                                      ? 6
                                                                      : 1;
            memcpy(out + n, kind && step == 6 ? (const unsigned char *)"\\uFFFD" : at, step);
            n += step;
            at += step;
        }
        if (at < end) {
            put_replacement(out + n);
            n += 3;
            at++;
        }
    }
    *mended_size = n;
    return out;
}
