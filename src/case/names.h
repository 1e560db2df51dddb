/* SPDX-License-Identifier: Apache-2.0 */
/*
 * names: a set of ids to look up in, so that ten thousand of them cost no more than their number.
 * In: names that outlive the index. Out: where each stands. What can go wrong: memory.
 */
#ifndef CASE_NAMES_H
#define CASE_NAMES_H

#include <assay/base.h>

struct name_entry {
    const char *name;
    size_t at;
};

struct name_index {
    struct name_entry *entries; /* by name, then by place */
    size_t count;
};

/*
 * The index of `count` names, each a `const char *` that stands first in a struct of `stride`
 * bytes.
 */
ASSAY_MUST_USE assay_status names_index(struct assay_arena *arena, const void *structs,
                                        size_t count, size_t stride, struct name_index *index,
                                        struct assay_error *error);

/* Where `name` first stands, or SIZE_MAX. */
size_t names_find(const struct name_index *index, const char *name);

/* A name that stands twice: its first and second places. False if there is none. */
bool names_twice(const struct name_index *index, size_t *first, size_t *second);

#endif
