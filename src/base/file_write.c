/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file written so that a reader sees the old one or the whole new one. The bytes go to a file
 * without a name (O_TMPFILE), which is gone if the program is killed; once they are on disk it gets
 * the name itself or, where that is taken, one beside it that is renamed at once. Where the system
 * cannot do that, the file has the name beside it all the time, and a killed write leaves it.
 */
#define _GNU_SOURCE /* O_TMPFILE */
#include <assay/base.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MOST_NAMES 100 /* tried beside the file */

static bool write_all(int descriptor, const unsigned char *bytes, size_t size)
{
    while (size) {
        ssize_t written = write(descriptor, bytes, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        bytes += written;
        size -= (size_t)written;
    }
    return true;
}

static void folder_of(const char *path, char folder[PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    int length = slash ? (int)(slash - path) : 1;
    snprintf(folder, PATH_MAX, "%.*s", length ? length : 1, slash ? path : ".");
}

/* The rename itself lasts only once the folder is on disk. Not every file system can. */
static void flush_folder(const char *path)
{
    char folder[PATH_MAX];
    folder_of(path, folder);
    int descriptor = open(folder, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    if (descriptor >= 0) {
        (void)fsync(descriptor);
        close(descriptor);
    }
}

/* All bytes on disk, with the mode of the file that is replaced. */
static bool fill(int descriptor, const char *path, const void *bytes, size_t size)
{
    struct stat old;
    mode_t mode = stat(path, &old) == 0 ? old.st_mode & 0777 : 0644;
    return write_all(descriptor, bytes, size) && fchmod(descriptor, mode) == 0 &&
           fsync(descriptor) == 0;
}

static bool rename_or_unlink(const char *sibling, const char *path)
{
    if (rename(sibling, path) == 0)
        return true;
    int reason = errno;
    unlink(sibling);
    errno = reason;
    return false;
}

/* ---- without a name ------------------------------------------------------------------------- */

/* `from` as path, or as a new name beside it that then takes path's place. */
static bool take_name(const char *from, const char *path)
{
    char sibling[PATH_MAX];
    struct timespec now;
    if (linkat(AT_FDCWD, from, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0)
        return true;
    clock_gettime(CLOCK_REALTIME, &now);
    unsigned long number = (unsigned long)now.tv_nsec ^ ((unsigned long)getpid() << 8);
    for (int i = 0; i < MOST_NAMES && errno == EEXIST; i++) {
        snprintf(sibling, sizeof sibling, "%s.%06lx", path, (number + (unsigned long)i) & 0xffffff);
        if (linkat(AT_FDCWD, from, AT_FDCWD, sibling, AT_SYMLINK_FOLLOW) == 0)
            return rename_or_unlink(sibling, path);
    }
    return false;
}

/* False with *able false: this system cannot, and nothing was done. */
static bool write_unnamed(const char *path, const void *bytes, size_t size, bool *able)
{
    char folder[PATH_MAX], link[40];
    folder_of(path, folder);
    int descriptor = open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    *able = descriptor >= 0 && access(link, F_OK) == 0;
    if (!*able) {
        if (descriptor >= 0)
            close(descriptor);
        return false;
    }
    bool done = fill(descriptor, path, bytes, size) && take_name(link, path);
    int reason = errno;
    close(descriptor); /* on disk already */
    errno = reason;
    return done;
}

/* ---- with a name beside it ------------------------------------------------------------------ */

static bool write_beside(const char *path, const void *bytes, size_t size)
{
    char sibling[PATH_MAX];
    snprintf(sibling, sizeof sibling, "%s.XXXXXX", path);
    int descriptor = mkstemp(sibling);
    if (descriptor < 0)
        return false;
    bool done = fill(descriptor, path, bytes, size);
    int reason = errno;
    if (close(descriptor) != 0 && done) {
        done = false;
        reason = errno;
    }
    if (done)
        return rename_or_unlink(sibling, path);
    unlink(sibling);
    errno = reason;
    return false;
}

assay_status assay_file_write(const char *path, const void *bytes, size_t size,
                              struct assay_error *error)
{
    bool able;
    if (strlen(path) + sizeof ".XXXXXX" > PATH_MAX)
        return assay_error_at(error, ASSAY_ERROR_INPUT, path, 0, "the path is too long");
    if (!write_unnamed(path, bytes, size, &able) && (able || !write_beside(path, bytes, size)))
        return assay_error_at(error, ASSAY_ERROR_IO, path, 0, "cannot write: %s", strerror(errno));
    flush_folder(path);
    return ASSAY_OK;
}
