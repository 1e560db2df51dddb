/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file that comes in: written beside under a name that no request can ask for, flushed, and
 * linked under its own name, which fails if that is taken. Evidence is never written over.
 */
#include "server/folder.h"

#include <openssl/evp.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool upload_start(int descriptor, const char *name, struct upload *upload, bool *taken)
{
    struct stat what;
    memset(upload, 0, sizeof *upload);
    upload->file = -1;
    upload->folder = dup(descriptor);
    snprintf(upload->name, sizeof upload->name, "%s", name);
    *taken = fstatat(descriptor, name, &what, AT_SYMLINK_NOFOLLOW) == 0;
    if (*taken || upload->folder < 0)
        return false;
    for (unsigned i = 0; i < 1000 && upload->file < 0; i++) {
        snprintf(upload->temporary, sizeof upload->temporary, ".upload-%u", i);
        upload->file = openat(descriptor, upload->temporary,
                              O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
        if (upload->file < 0 && errno != EEXIST)
            break;
    }
    EVP_MD_CTX *digest = upload->file < 0 ? NULL : EVP_MD_CTX_new();
    upload->digest = digest;
    return digest && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1;
}

bool upload_add(struct upload *upload, const void *bytes, size_t size)
{
    const unsigned char *from = bytes;
    if (EVP_DigestUpdate(upload->digest, bytes, size) != 1)
        return false;
    upload->bytes += size;
    while (size) {
        ssize_t written = write(upload->file, from, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        from += written;
        size -= (size_t)written;
    }
    return true;
}

bool upload_finish(struct upload *upload, char hex[65], bool *taken)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    *taken = false;
    if (fsync(upload->file) != 0 || EVP_DigestFinal_ex(upload->digest, digest, &length) != 1)
        return false;
    for (unsigned i = 0; i < 32 && i < length; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    if (linkat(upload->folder, upload->temporary, upload->folder, upload->name, 0) != 0) {
        *taken = errno == EEXIST;
        return false;
    }
    (void)fsync(upload->folder);
    return true;
}

void upload_end(struct upload *upload)
{
    if (upload->temporary[0] && upload->file >= 0) {
        close(upload->file);
        unlinkat(upload->folder, upload->temporary, 0);
    }
    EVP_MD_CTX_free(upload->digest);
    if (upload->folder > 0)
        close(upload->folder);
    memset(upload, 0, sizeof *upload);
}
