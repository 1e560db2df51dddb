/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model: a checkpoint's weights in memory as float32, to be changed and written again.
 * In: a checkpoint. Out: weights by role, layer and expert. What can go wrong: memory; a tensor
 * that cannot be decoded.
 */
#ifndef LINEAGE_MODEL_H
#define LINEAGE_MODEL_H

#include "lineage/roles.h"

struct weight {
    const char *name;
    struct named_role role;
    int rank;
    uint64_t shape[ASSAY_TENSOR_MOST_RANK];
    uint64_t rows, columns; /* the first axis, and all others */
    float *values;          /* in the model's arena */
    bool dropped;
};

struct model {
    struct weight *weights;
    size_t count, room;
    struct assay_arena *arena;
    const struct assay_checkpoint *source;
    unsigned heads, kv_heads; /* of attention; 0: unknown */
};

/* All readable real tensors. */
ASSAY_MUST_USE assay_status model_read(const struct assay_checkpoint *checkpoint,
                                       struct model *model, struct assay_error *error);
void model_free(struct model *model);

/* A copy of `like`, values and all, at the end of the list; NULL if memory is short. Pointers to
 * weights are void after it. */
struct weight *model_copy(struct model *model, const struct weight *like);

/* The matrix with that role in that layer (-1: outside layers), of no expert, or NULL. */
struct weight *model_find(const struct model *model, enum role role, long layer);
/* The same of an expert (-1: of none). */
struct weight *model_find_expert(const struct model *model, enum role role, long layer,
                                 long expert);
/* The vector that is added to what a matrix gives, or NULL. */
struct weight *model_bias(const struct model *model, const struct weight *matrix);
/* The norm before attention, before the feed-forward part, or at the end (layer -1). */
struct weight *model_norm(const struct model *model, bool feed_forward, long layer);
/* One more than the largest layer number; than a layer's largest expert number. */
long model_layers(const struct model *model);
long model_experts(const struct model *model, long layer);

/* A feed-forward part: a layer's, or one expert's. */
struct block {
    struct weight *gate, *up, *down; /* gate may be NULL */
    uint64_t units;
    long layer, expert; /* expert -1: the layer has one part */
};

/* All feed-forward parts, in the model's arena. ASSAY_ERROR_UNSUPPORTED, naming the layer, where a
 * layer has none that is recognised. */
ASSAY_MUST_USE assay_status model_blocks(const struct model *model, struct block **blocks,
                                         size_t *count, struct assay_error *error);

/* New row (or column) i is old row from[i]; `count` remain. False if memory is short. */
ASSAY_MUST_USE bool weight_take_rows(struct weight *weight, const uint64_t *from, uint64_t count);
ASSAY_MUST_USE bool weight_take_columns(struct weight *weight, const uint64_t *from,
                                        uint64_t count);
/* The root of the mean square of its values. */
double weight_size(const struct weight *weight);

/* The steps of a disguise; each draws from `random`. */
struct step_input {
    struct model *model;
    struct assay_random *random;
    struct assay_error *error;
};

/* 0 .. n-1 in random order, to be freed; NULL if memory is short. */
uint64_t *step_shuffled(struct step_input *in, uint64_t n);
/* Rows of an n x n matrix of normals made orthonormal: Haar distributed. NULL likewise. */
double *step_random_rotation(struct step_input *in, uint64_t n);
assay_status step_no_memory(struct step_input *in);

ASSAY_MUST_USE assay_status step_merge(struct step_input *in, const struct assay_checkpoint *other,
                                       double share, bool stacked);
ASSAY_MUST_USE assay_status step_drop_layers(struct step_input *in, const char *list);
ASSAY_MUST_USE assay_status step_order_layers(struct step_input *in, const char *list);
ASSAY_MUST_USE assay_status step_prune(struct step_input *in, double share);
ASSAY_MUST_USE assay_status step_tune(struct step_input *in, double size);
ASSAY_MUST_USE assay_status step_lora(struct step_input *in, unsigned rank);
ASSAY_MUST_USE assay_status step_upcycle(struct step_input *in, unsigned experts);
ASSAY_MUST_USE assay_status step_rescale(struct step_input *in);
ASSAY_MUST_USE assay_status step_permute(struct step_input *in);
ASSAY_MUST_USE assay_status step_permute_heads(struct step_input *in);
ASSAY_MUST_USE assay_status step_mix_heads(struct step_input *in);
ASSAY_MUST_USE assay_status step_rotate(struct step_input *in);
ASSAY_MUST_USE assay_status step_noise(struct step_input *in, double deviations);
ASSAY_MUST_USE assay_status step_quantise(struct step_input *in, const char *grid);

#endif
