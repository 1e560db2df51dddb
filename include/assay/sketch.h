/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sketch: a checkpoint in a few kilobytes, to find kin among hundreds without their weights. Of up
 * to eight axes of hidden units it keeps the signs of 128 coordinates of 64 units, taken at the
 * same numbers in every model of that shape. docs/formats.md says how the file is laid out.
 *
 * What it gives away: the model's shapes and 8,192 signs an axis. No weight can be had from it.
 */
#ifndef ASSAY_SKETCH_H
#define ASSAY_SKETCH_H

#include <assay/base.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ASSAY_SKETCH_AXES 8
#define ASSAY_SKETCH_UNITS 64
#define ASSAY_SKETCH_BITS 128
#define ASSAY_SKETCH_ROLE 16 /* bytes of a role, NUL and all */
#define ASSAY_SKETCH_NAME 256

/* One axis of one tensor. */
struct assay_sketch_axis {
    char role[ASSAY_SKETCH_ROLE]; /* of the tensor: "up", "embedding", ...; "unknown" */
    bool second;                  /* which axis its units lie along */
    int32_t layer, expert;        /* -1: none in the name */
    uint64_t units, width;        /* along that axis; coordinates a unit has */
    size_t sampled;               /* units, evenly spaced: 8 to 64 */
    uint64_t bits[ASSAY_SKETCH_UNITS][ASSAY_SKETCH_BITS / 64]; /* 1: above the sample's mean */
};

struct assay_sketch {
    char name[ASSAY_SKETCH_NAME]; /* of the checkpoint, for people; UTF-8 */
    uint64_t file_bytes, tensors;
    size_t axis_count; /* may be 0: nothing that could be tested */
    struct assay_sketch_axis axes[ASSAY_SKETCH_AXES];
};

/* True if a file that begins so is meant to be a sketch. */
ASSAY_API bool assay_sketch_is(const void *bytes, size_t size);

/*
 * Reads a sketch file of at most 64 KiB. ASSAY_ERROR_INPUT with the byte offset for anything that
 * is not one; what base says of files.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_sketch_read(const char *path,
                                                        struct assay_sketch *sketch,
                                                        struct assay_error *error);
/* The same from memory; `path` is for messages. */
ASSAY_API ASSAY_MUST_USE assay_status assay_sketch_parse(const char *path, const void *bytes,
                                                         size_t size, struct assay_sketch *sketch,
                                                         struct assay_error *error);
/* Writes it beside and renames; *bytes (may be NULL) gets the file's size. */
ASSAY_API ASSAY_MUST_USE assay_status assay_sketch_write(const struct assay_sketch *sketch,
                                                         const char *path, size_t *bytes,
                                                         struct assay_error *error);

#ifdef __cplusplus
}
#endif
#endif
