/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pickle: what a pickle describes, without running any of it. A pickle is a program; here its
 * opcodes only build a tree of plain values, in which calls stay calls: a name and arguments.
 * Names that build no tensor are refused, as in PyTorch's weights_only mode. Source: Python's
 * pickletools.
 */
#ifndef FORMATS_PICKLE_H
#define FORMATS_PICKLE_H

#include <assay/base.h>

enum pickle_kind {
    PICKLE_NOTHING, /* None, floats, bytes: of no interest here */
    PICKLE_INTEGER, /* booleans too */
    PICKLE_TEXT,
    PICKLE_NAME,   /* of a class or function: text is "module name" */
    PICKLE_LIST,   /* tuples and sets too */
    PICKLE_DICT,   /* keys and values by turns */
    PICKLE_CALL,   /* function = first item, arguments (a list) = second; an object's state third */
    PICKLE_STORAGE /* a persistent id: its tuple is the only item */
};

struct pickle_item {
    struct pickle_value *value;
    struct pickle_item *next;
};

struct pickle_value {
    enum pickle_kind kind;
    int64_t integer;
    const char *text; /* not terminated, in the file */
    size_t size;
    struct pickle_item *first, *last;
    size_t count; /* items */
};

/* Reads bytes first .. first + size - 1 of a file. The tree may share and even contain itself. */
ASSAY_MUST_USE assay_status pickle_read(const char *path, const unsigned char *file, uint64_t first,
                                        uint64_t size, struct assay_arena *arena,
                                        struct pickle_value **root, struct assay_error *error);

/* Item `i`, or NULL. */
struct pickle_value *pickle_item(const struct pickle_value *value, size_t i);

bool pickle_is(const struct pickle_value *value, enum pickle_kind kind, const char *text);

#endif
