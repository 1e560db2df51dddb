/* SPDX-License-Identifier: Apache-2.0 */
/* model: a checkpoint's weights in memory as float32, to be changed and written again. */
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
    size_t count;
    struct assay_arena *arena;
    const char *path;
};

/* All readable real tensors. Room is left for one more weight. */
ASSAY_MUST_USE assay_status model_read(const struct assay_checkpoint *checkpoint,
                                       struct model *model, struct assay_error *error);
void model_free(struct model *model);

/* The weight with that role in that layer (-1: outside layers), or NULL. */
struct weight *model_find(const struct model *model, enum role role, long layer);
/* The norm before attention, before the feed-forward part, or at the end (layer -1). */
struct weight *model_norm(const struct model *model, bool feed_forward, long layer);
/* One more than the largest layer number. */
long model_layers(const struct model *model);

/* The steps of a disguise; each draws from `random`. */
struct step_input {
    struct model *model;
    struct assay_random *random;
    struct assay_error *error;
};
ASSAY_MUST_USE assay_status step_drop_layers(struct step_input *in, const char *list);
ASSAY_MUST_USE assay_status step_prune(struct step_input *in, double share);
ASSAY_MUST_USE assay_status step_rescale(struct step_input *in);
ASSAY_MUST_USE assay_status step_permute(struct step_input *in);
ASSAY_MUST_USE assay_status step_rotate(struct step_input *in);
ASSAY_MUST_USE assay_status step_noise(struct step_input *in, double deviations);
ASSAY_MUST_USE assay_status step_quantise(struct step_input *in, const char *grid);

#endif
