/* SPDX-License-Identifier: Apache-2.0 */
/* A zip archive's directory. */
#include "formats/zip.h"

#include <stdlib.h>
#include <string.h>

struct archive {
    const char *path;
    const unsigned char *bytes;
    size_t size;
    struct assay_error *error;
};

static uint64_t number(const unsigned char *at, int width)
{
    uint64_t value = 0;
    for (int i = 0; i < width; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

static assay_status refuse(const struct archive *a, uint64_t at, const char *what)
{
    return assay_error_at_offset(a->error, ASSAY_ERROR_INPUT, a->path, (long long)at, "%s", what);
}

/* The end record stands in the last 65,557 bytes: it ends in a comment of at most 65,535. */
static bool find_end(const struct archive *a, size_t *at)
{
    size_t least = a->size > 65557 ? a->size - 65557 : 0;
    for (size_t i = a->size >= 22 ? a->size - 22 + 1 : 0; i-- > least;)
        if (number(a->bytes + i, 4) == 0x06054b50) {
            *at = i;
            return true;
        }
    return false;
}

struct directory {
    uint64_t count, size, offset;
};

static assay_status find_directory(const struct archive *a, struct directory *d)
{
    size_t end;
    if (!find_end(a, &end))
        return refuse(a, a->size, "no end of a zip directory: the file is cut short");
    *d = (struct directory){number(a->bytes + end + 10, 2), number(a->bytes + end + 12, 4),
                            number(a->bytes + end + 16, 4)};
    if (end >= 20 && number(a->bytes + end - 20, 4) == 0x07064b50) {
        uint64_t at = number(a->bytes + end - 20 + 8, 8);
        if (at > a->size || a->size - at < 56 || number(a->bytes + at, 4) != 0x06064b50)
            return refuse(a, end - 20, "a zip64 locator that points nowhere");
        *d = (struct directory){number(a->bytes + at + 32, 8), number(a->bytes + at + 40, 8),
                                number(a->bytes + at + 48, 8)};
    }
    if (d->offset > a->size || d->size > a->size - d->offset || d->count > d->size / 46)
        return refuse(a, end, "a zip directory that reaches beyond the file");
    return ASSAY_OK;
}

/* Sizes that do not fit 32 bits stand in extra field 1, in this order, if all ones here. */
static void widen(const unsigned char *extra, size_t size, uint64_t *unpacked, uint64_t *packed,
                  uint64_t *header)
{
    uint64_t *fields[3] = {unpacked, packed, header};
    for (size_t at = 0; at + 4 <= size;) {
        size_t id = (size_t)number(extra + at, 2), length = (size_t)number(extra + at + 2, 2);
        at += 4;
        if (length > size - at)
            return;
        for (size_t i = 0, used = 0; id == 1 && i < 3; i++)
            if (*fields[i] == 0xffffffff && used + 8 <= length) {
                *fields[i] = number(extra + at + used, 8);
                used += 8;
            }
        at += length;
    }
}

static assay_status read_entry(const struct archive *a, uint64_t *at, uint64_t end,
                               struct zip_entry *entry)
{
    const unsigned char *r = a->bytes + *at;
    if (end - *at < 46 || number(r, 4) != 0x02014b50)
        return refuse(a, *at, "expected a zip directory entry");
    uint64_t name = number(r + 28, 2), extra = number(r + 30, 2), comment = number(r + 32, 2);
    uint64_t packed = number(r + 20, 4), unpacked = number(r + 24, 4), header = number(r + 42, 4);
    if (46 + name + extra + comment > end - *at)
        return refuse(a, *at, "a zip directory entry that reaches beyond the directory");
    widen(r + 46 + name, (size_t)extra, &unpacked, &packed, &header);
    entry->name = (const char *)r + 46;
    entry->name_size = (size_t)name;
    entry->stored = number(r + 10, 2) == 0 && (number(r + 8, 2) & 1) == 0 && packed == unpacked;
    if (header > a->size || a->size - header < 30 || number(a->bytes + header, 4) != 0x04034b50)
        return refuse(a, *at, "a zip entry whose header is not where the directory says");
    entry->offset =
        header + 30 + number(a->bytes + header + 26, 2) + number(a->bytes + header + 28, 2);
    entry->size = packed;
    if (entry->offset > a->size || packed > a->size - entry->offset)
        return refuse(a, *at, "a zip entry that reaches beyond the file");
    *at += 46 + name + extra + comment;
    return ASSAY_OK;
}

static int order(const char *a, size_t a_size, const char *b, size_t b_size)
{
    int difference = memcmp(a, b, a_size < b_size ? a_size : b_size);
    return difference ? difference : (a_size > b_size) - (a_size < b_size);
}

static int by_name(const void *a, const void *b)
{
    const struct zip_entry *x = a, *y = b;
    return order(x->name, x->name_size, y->name, y->name_size);
}

static int by_offset(const void *a, const void *b)
{
    const struct zip_entry *x = a, *y = b;
    if (x->offset != y->offset)
        return x->offset < y->offset ? -1 : 1;
    return (x->size > y->size) - (x->size < y->size);
}

/* Entries that share their data make a small archive a large one (a zip bomb). */
static assay_status check_overlap(const struct archive *a, struct zip *zip)
{
    qsort(zip->entries, zip->count, sizeof *zip->entries, by_offset);
    for (size_t i = 1; i < zip->count; i++)
        if (zip->entries[i].offset < zip->entries[i - 1].offset + zip->entries[i - 1].size)
            return refuse(a, zip->entries[i].offset, "two zip entries overlap");
    return ASSAY_OK;
}

assay_status zip_read(const char *path, const unsigned char *bytes, size_t size,
                      struct assay_arena *arena, struct zip *zip, struct assay_error *error)
{
    struct archive a = {path, bytes, size, error};
    struct directory d = {0, 0, 0};
    memset(zip, 0, sizeof *zip);
    ASSAY_TRY(find_directory(&a, &d));
    zip->entries = assay_arena_alloc(arena, (size_t)d.count, sizeof *zip->entries);
    if (!zip->entries)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, path, 0, "out of memory");
    uint64_t at = d.offset;
    for (uint64_t i = 0; i < d.count; i++)
        ASSAY_TRY(read_entry(&a, &at, d.offset + d.size, &zip->entries[i]));
    zip->count = (size_t)d.count;
    if (zip->count == 0) /* nothing to sort, and no array */
        return ASSAY_OK;
    ASSAY_TRY(check_overlap(&a, zip));
    qsort(zip->entries, zip->count, sizeof *zip->entries, by_name);
    for (size_t i = 1; i < zip->count; i++)
        if (by_name(&zip->entries[i - 1], &zip->entries[i]) == 0)
            return refuse(&a, d.offset, "two zip entries of one name");
    return ASSAY_OK;
}

const struct zip_entry *zip_find(const struct zip *zip, const char *name, size_t name_size)
{
    struct zip_entry wanted = {.name = name, .name_size = name_size};
    if (zip->count == 0)
        return NULL;
    return bsearch(&wanted, zip->entries, zip->count, sizeof wanted, by_name);
}
