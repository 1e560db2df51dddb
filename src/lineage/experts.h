/* SPDX-License-Identifier: Apache-2.0 */
/*
 * experts: tensors of rank 3 that hold a matrix of every expert of a layer (GGUF's ffn_gate_exps,
 * Hugging Face's mlp.experts.gate_up_proj), as one matrix an expert. In: a checkpoint. Out: views
 * of its bytes with a role. Left whole: where shapes do not tell which side is the residual
 * stream's, and where there are too many to compare each.
 */
#ifndef LINEAGE_EXPERTS_H
#define LINEAGE_EXPERTS_H

#include "lineage/roles.h"

/* One tensor's layout. */
struct expert_layout {
    uint64_t experts, rows, columns; /* of each matrix */
    uint64_t apart, row, column;     /* steps in elements: between experts, along either side */
    uint64_t parts, part;            /* 2 where gate and up are one; how far apart they lie */
    enum role role[2];
};

/* The width of the residual stream, from the embedding, if the experts that are held together are
 * few enough to be taken apart; else 0. */
uint64_t experts_width(const struct assay_checkpoint *checkpoint);

/* False if the tensor is left whole. */
bool experts_layout(const struct assay_checkpoint *checkpoint, const struct assay_tensor *tensor,
                    uint64_t width, struct expert_layout *layout);

/* Part `part` of expert `expert`, in `arena`, with its role; NULL if memory is short. */
const struct assay_tensor *experts_view(const struct assay_tensor *tensor,
                                        const struct expert_layout *layout, uint64_t expert,
                                        uint64_t part, struct assay_arena *arena,
                                        struct named_role *name);

#endif
