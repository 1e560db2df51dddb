/* SPDX-License-Identifier: Apache-2.0 */
#include "custody/key.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#define MOST_PEM 65536

struct custody_key {
    EVP_PKEY *pkey;
    const struct kind *kind;
    char sha256[65];
};

/* The keys that are taken: those of OpenSSF model-signing 1.0, and Ed25519. */
static const struct kind {
    const char *type, *group; /* as libcrypto names them; group NULL for none */
    const char *algorithm;
    const EVP_MD *(*digest)(void); /* NULL: the algorithm hashes by itself */
} kinds[] = {
    {"ED25519", NULL, "Ed25519", NULL},
    {"EC", "prime256v1", "ECDSA P-256 with SHA-256", EVP_sha256},
    {"EC", "secp384r1", "ECDSA P-384 with SHA-384", EVP_sha384},
    {"EC", "secp521r1", "ECDSA P-521 with SHA-512", EVP_sha512},
};

static const struct kind *kind_of(const EVP_PKEY *pkey)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        char group[64] = "";
        if (!EVP_PKEY_is_a(pkey, kinds[i].type))
            continue;
        if (!kinds[i].group)
            return &kinds[i];
        if (EVP_PKEY_get_group_name(pkey, group, sizeof group, NULL) == 1 &&
            strcmp(group, kinds[i].group) == 0)
            return &kinds[i];
    }
    return NULL;
}

static bool fingerprint(struct custody_key *key)
{
    char *pem = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    bool good = bio && PEM_write_bio_PUBKEY(bio, key->pkey) == 1;
    if (good) {
        long size = BIO_get_mem_data(bio, &pem);
        assay_sha256_bytes(pem, (size_t)size, key->sha256);
    }
    BIO_free(bio);
    return good;
}

/* Takes over `pkey`, which may be NULL. */
static assay_status made(EVP_PKEY *pkey, const char *path, const char *what,
                         struct custody_key **key, struct assay_error *error)
{
    ERR_clear_error();
    if (!pkey)
        return assay_error_at(error, ASSAY_ERROR_INPUT, path, 0, "%s", what);
    const struct kind *kind = kind_of(pkey);
    *key = kind ? calloc(1, sizeof **key) : NULL;
    if (*key) {
        **key = (struct custody_key){.pkey = pkey, .kind = kind};
        if (fingerprint(*key))
            return ASSAY_OK;
        free(*key);
    }
    *key = NULL;
    EVP_PKEY_free(pkey);
    if (!kind)
        return assay_error_at(error, ASSAY_ERROR_INPUT, path, 0,
                              "expected a key of Ed25519 or of the curves P-256, P-384 or P-521");
    return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

struct passphrase {
    const char *password;
    bool asked;
};

/* Never asks on a terminal: a library does not. */
static int give_password(char *buffer, int size, int writing, void *user)
{
    struct passphrase *passphrase = user;
    (void)writing;
    passphrase->asked = true;
    size_t length = passphrase->password ? strlen(passphrase->password) : 0;
    if (length == 0 || size < 0 || length > (size_t)size)
        return -1;
    memcpy(buffer, passphrase->password, length);
    return (int)length;
}

assay_status custody_key_private(const char *path, const char *password, struct custody_key **key,
                                 struct assay_error *error)
{
    struct assay_file file;
    struct passphrase passphrase = {password, false};
    ASSAY_TRY(assay_file_open(path, MOST_PEM, &file, error));
    BIO *bio = BIO_new_mem_buf(file.bytes, (int)file.size);
    EVP_PKEY *pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, give_password, &passphrase) : NULL;
    BIO_free(bio);
    assay_file_close(&file);
    const char *what = "expected a private key in PEM (-----BEGIN PRIVATE KEY-----)";
    if (passphrase.asked)
        what = password ? "the password does not open this key"
                        : "the key is encrypted: say which file holds its password";
    return made(pkey, path, what, key, error);
}

assay_status custody_key_public(const char *path, struct custody_key **key,
                                struct assay_error *error)
{
    struct assay_file file;
    struct passphrase none = {NULL, false};
    ASSAY_TRY(assay_file_open(path, MOST_PEM, &file, error));
    BIO *bio = BIO_new_mem_buf(file.bytes, (int)file.size);
    EVP_PKEY *pkey = bio ? PEM_read_bio_PUBKEY(bio, NULL, give_password, &none) : NULL;
    if (!pkey && bio && BIO_reset(bio) == 1)
        pkey = PEM_read_bio_PrivateKey(bio, NULL, give_password, &none);
    BIO_free(bio);
    assay_file_close(&file);
    return made(pkey, path, "expected a public key in PEM (-----BEGIN PUBLIC KEY-----)", key,
                error);
}

void custody_key_free(struct custody_key *key)
{
    if (!key)
        return;
    EVP_PKEY_free(key->pkey);
    free(key);
}

const char *custody_key_algorithm(const struct custody_key *key)
{
    return key->kind->algorithm;
}

const char *custody_key_sha256(const struct custody_key *key)
{
    return key->sha256;
}

assay_status custody_key_sign(const struct custody_key *key, const unsigned char *bytes,
                              size_t size, unsigned char **signature, size_t *signature_size,
                              struct assay_error *error)
{
    const EVP_MD *digest = key->kind->digest ? key->kind->digest() : NULL;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    *signature = NULL;
    bool good = context && EVP_DigestSignInit(context, NULL, digest, NULL, key->pkey) == 1 &&
                EVP_DigestSign(context, NULL, signature_size, bytes, size) == 1;
    if (good) {
        *signature = malloc(*signature_size);
        good = *signature && EVP_DigestSign(context, *signature, signature_size, bytes, size) == 1;
    }
    EVP_MD_CTX_free(context);
    if (good)
        return ASSAY_OK;
    free(*signature);
    *signature = NULL;
    ERR_clear_error();
    return assay_error_at(error, ASSAY_ERROR_UNSUPPORTED, NULL, 0,
                          "libcrypto cannot sign with this key");
}

bool custody_key_verify(const struct custody_key *key, const unsigned char *bytes, size_t size,
                        const unsigned char *signature, size_t signature_size)
{
    const EVP_MD *digest = key->kind->digest ? key->kind->digest() : NULL;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = context && EVP_DigestVerifyInit(context, NULL, digest, NULL, key->pkey) == 1 &&
                EVP_DigestVerify(context, signature, signature_size, bytes, size) == 1;
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    return good;
}
