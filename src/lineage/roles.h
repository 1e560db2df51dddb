/* SPDX-License-Identifier: Apache-2.0 */
/* roles: what a tensor does in its model, from its name, and which of its axes can be tested. */
#ifndef LINEAGE_ROLES_H
#define LINEAGE_ROLES_H

#include <assay/checkpoint.h>

enum role {
    ROLE_UNKNOWN,
    ROLE_EMBEDDING,
    ROLE_HEAD,
    ROLE_Q,
    ROLE_K,
    ROLE_V,
    ROLE_QKV,
    ROLE_O,
    ROLE_GATE,
    ROLE_UP,
    ROLE_DOWN,
    ROLE_NORM,
    ROLE_ROUTER,
    ROLE_BUFFER,   /* named as a mask, a basis, a position index */
    ROLE_POSITION, /* a learned table of positions or segments: rows are what they are */
    ROLE_LATENT,   /* compresses or expands queries, keys and values (DeepSeek): rows are heads' or
                      hold rotary coordinates */
};

struct named_role {
    enum role role;
    long layer;  /* -1: none in the name */
    long expert; /* -1: none */
};

/* From names as files of Hugging Face, Meta, GPT-2, GPT-NeoX, BERT and GGUF use them. */
struct named_role role_of(const char *name);
const char *role_name(enum role role);

/*
 * Where names are hidden: roles[i] gets what tensor i does in a transformer as far as shapes tell
 * it ("gate or up", "embedding or head", ...); entries of which nothing can be said stay as they
 * are. False if memory is short.
 */
ASSAY_MUST_USE bool roles_by_shape(const struct assay_checkpoint *checkpoint, const char **roles);

/* A tensor as a matrix of units: leading 1s dropped. */
struct shaped {
    uint64_t out, in, inner; /* inner: kernel positions, 1 for a matrix */
};

/* False for a scalar, a vector or what is all 1s but one axis. Shapes are checked to multiply. */
bool shape_of(const struct assay_tensor *tensor, struct shaped *shaped);

#endif
