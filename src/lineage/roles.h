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
    ROLE_BUFFER, /* named as a mask, a basis, a position index */
};

struct named_role {
    enum role role;
    long layer;  /* -1: none in the name */
    long expert; /* -1: none */
};

/* From names as Hugging Face, Meta, GPT-2, GPT-NeoX and GGUF files use them. */
struct named_role role_of(const char *name);
const char *role_name(enum role role);

/* A tensor as a matrix of units: leading 1s dropped. */
struct shaped {
    uint64_t out, in, inner; /* inner: kernel positions, 1 for a matrix */
};

/* False for a scalar, a vector or what is all 1s but one axis. Shapes are checked to multiply. */
bool shape_of(const struct assay_tensor *tensor, struct shaped *shaped);

#endif
