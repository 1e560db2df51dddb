/* SPDX-License-Identifier: Apache-2.0 */
/* Files mapped to read; file_write.c writes them. */
#include <assay/base.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static assay_status refuse(struct assay_error *error, const char *path, const char *doing)
{
    return assay_error_at(error, ASSAY_ERROR_IO, path, 0, "cannot %s: %s", doing, strerror(errno));
}

static assay_status map(int descriptor, const char *path, size_t most_bytes,
                        struct assay_file *file, struct assay_error *error)
{
    static const unsigned char nothing[1] = {0};
    struct stat status;
    if (fstat(descriptor, &status) != 0)
        return refuse(error, path, "inspect");
    if (!S_ISREG(status.st_mode))
        return assay_error_at(error, ASSAY_ERROR_INPUT, path, 0, "expected a regular file");
    if ((uintmax_t)status.st_size > most_bytes)
        return assay_error_at(error, ASSAY_ERROR_LIMIT, path, 0,
                              "found %jd bytes, expected at most %zu", (intmax_t)status.st_size,
                              most_bytes);
    file->size = (size_t)status.st_size;
    file->bytes = nothing;
    if (file->size == 0)
        return ASSAY_OK;
    void *mapping = mmap(NULL, file->size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (mapping == MAP_FAILED)
        return refuse(error, path, "map");
    file->mapping = mapping;
    file->bytes = mapping;
    return ASSAY_OK;
}

assay_status assay_file_open(const char *path, size_t most_bytes, struct assay_file *file,
                             struct assay_error *error)
{
    memset(file, 0, sizeof *file);
    /* not to hang on a pipe that nobody writes to */
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0)
        return refuse(error, path, "open");
    assay_status status = map(descriptor, path, most_bytes, file, error);
    close(descriptor);
    return status;
}

void assay_file_close(struct assay_file *file)
{
    if (file->mapping)
        munmap(file->mapping, file->size);
    memset(file, 0, sizeof *file);
}

void assay_file_expect_scattered(const struct assay_file *file, bool scattered)
{
    if (file->mapping)
        (void)posix_madvise(file->mapping, file->size,
                            scattered ? POSIX_MADV_RANDOM : POSIX_MADV_NORMAL);
}

void assay_file_expect(const unsigned char *bytes, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), before = (uintptr_t)bytes % page;
    union {
        const unsigned char *read;
        void *advised;
    } start = {bytes - before};
    if (size > 0)
        (void)posix_madvise(start.advised, size + before, POSIX_MADV_WILLNEED);
}

char *assay_path_beside(struct assay_arena *arena, const char *from, const char *name)
{
    const char *slash = strrchr(from, '/');
    if (name[0] == '/' || !slash)
        return assay_arena_copy(arena, name);
    return assay_arena_print(arena, "%.*s/%s", (int)(slash - from), from, name);
}
