/* SPDX-License-Identifier: Apache-2.0 */
#include "custody/base64.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define MOST_BYTES ((size_t)1 << 30)

char *base64_text(const unsigned char *bytes, size_t size)
{
    if (size > MOST_BYTES)
        return NULL;
    char *text = malloc(size / 3 * 4 + 5);
    if (text)
        EVP_EncodeBlock((unsigned char *)text, bytes, (int)size);
    return text;
}

unsigned char *base64_bytes(const char *text, size_t *size)
{
    size_t length = strlen(text), padding = 0;
    if (length % 4 != 0 || length > MOST_BYTES)
        return NULL;
    while (padding < 2 && padding < length && text[length - 1 - padding] == '=')
        padding++;
    unsigned char *bytes = malloc(length / 4 * 3 + 1);
    if (!bytes)
        return NULL;
    int decoded = EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)length);
    if (decoded >= 0 && (size_t)decoded >= padding) {
        *size = (size_t)decoded - padding;
        char *again = base64_text(bytes, *size);
        bool same = again && strcmp(again, text) == 0;
        free(again);
        if (same)
            return bytes;
    }
    free(bytes);
    return NULL;
}
