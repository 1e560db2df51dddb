/* SPDX-License-Identifier: Apache-2.0 */
#include "case/names.h"

#include <stdlib.h>
#include <string.h>

static int by_name(const void *a, const void *b)
{
    const struct name_entry *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : (x->at > y->at) - (x->at < y->at);
}

assay_status names_index(struct assay_arena *arena, const void *structs, size_t count,
                         size_t stride, struct name_index *index, struct assay_error *error)
{
    index->count = count;
    index->entries = assay_arena_alloc(arena, count, sizeof *index->entries);
    if (!index->entries)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (size_t i = 0; i < count; i++) {
        memcpy(&index->entries[i].name, (const char *)structs + i * stride, sizeof(const char *));
        index->entries[i].at = i;
    }
    if (count > 1)
        qsort(index->entries, count, sizeof *index->entries, by_name);
    return ASSAY_OK;
}

size_t names_find(const struct name_index *index, const char *name)
{
    size_t low = 0, high = index->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(index->entries[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < index->count && strcmp(index->entries[low].name, name) == 0;
    return found ? index->entries[low].at : SIZE_MAX;
}

bool names_twice(const struct name_index *index, size_t *first, size_t *second)
{
    bool twice = false;
    for (size_t i = 1; i < index->count; i++) {
        const struct name_entry *a = &index->entries[i - 1], *b = &index->entries[i];
        if (strcmp(a->name, b->name) == 0 && (!twice || b->at < *second)) {
            *first = a->at;
            *second = b->at;
            twice = true;
        }
    }
    return twice;
}
