/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 of exhibits, by libcrypto. */
#include <assay/base.h>

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void to_hex(const unsigned char digest[32], char hex[65])
{
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < 32; i++) {
        hex[2 * i] = digits[digest[i] >> 4];
        hex[2 * i + 1] = digits[digest[i] & 15];
    }
    hex[64] = '\0';
}

/* False if libcrypto fails or the stream does. */
static bool digest_stream(FILE *stream, unsigned char digest[32])
{
    static const size_t size = (size_t)1 << 16;
    unsigned char *buffer = malloc(size);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool done = buffer && context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;
    while (done) {
        size_t n = fread(buffer, 1, size, stream);
        if (n == 0)
            break;
        done = EVP_DigestUpdate(context, buffer, n) == 1;
    }
    done = done && !ferror(stream) && EVP_DigestFinal_ex(context, digest, NULL) == 1;
    EVP_MD_CTX_free(context);
    free(buffer);
    return done;
}

assay_status assay_sha256_file(const char *path, char hex[65], struct assay_error *error)
{
    unsigned char digest[32];
    FILE *stream = fopen(path, "rbe");
    if (!stream)
        return assay_error_at(error, ASSAY_ERROR_IO, path, 0, "cannot open: %s", strerror(errno));
    bool done = digest_stream(stream, digest);
    fclose(stream);
    if (!done)
        return assay_error_at(error, ASSAY_ERROR_IO, path, 0, "cannot read to take its digest");
    to_hex(digest, hex);
    return ASSAY_OK;
}

void assay_sha256_bytes(const void *bytes, size_t size, char hex[65])
{
    unsigned char digest[32] = {0};
    EVP_Digest(bytes, size, digest, NULL, EVP_sha256(), NULL);
    to_hex(digest, hex);
}
