/* SPDX-License-Identifier: Apache-2.0 */
#include "server/guard.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <stdio.h>
#include <string.h>

bool guard_token(char token[TOKEN_DIGITS + 1])
{
    unsigned char bytes[TOKEN_DIGITS / 2];
    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return false;
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(token + 2 * i, 3, "%02x", bytes[i]);
    return true;
}

bool guard_same_token(const char *token, const char *given)
{
    return given && strlen(given) == TOKEN_DIGITS && CRYPTO_memcmp(token, given, TOKEN_DIGITS) == 0;
}

static const char *const hosts[] = {"127.0.0.1", "localhost", "[::1]"};
#define HOSTS (sizeof hosts / sizeof hosts[0])

bool guard_host(const char *host, uint16_t port)
{
    char expected[32];
    for (size_t i = 0; host && i < HOSTS; i++) {
        snprintf(expected, sizeof expected, "%s:%u", hosts[i], port);
        if (strcmp(host, expected) == 0)
            return true;
    }
    return false;
}

bool guard_origin(const char *origin, uint16_t port)
{
    static const char scheme[] = "http://";
    if (!origin)
        return true;
    return strncmp(origin, scheme, sizeof scheme - 1) == 0 &&
           guard_host(origin + sizeof scheme - 1, port);
}

bool guard_name(const char *name)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t length = strlen(name);
    return length >= 1 && length <= 64 && name[0] != '.' && strspn(name, allowed) == length;
}
