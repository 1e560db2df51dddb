/* SPDX-License-Identifier: Apache-2.0 */
#include "claim/flops.h"

#include <math.h>

/* Mean number of keys that a causal query sees. */
static double keys_seen(const struct assay_architecture *a, double sequence)
{
    double keys = a->window > 0 ? fmin(sequence, (double)a->window) : sequence;
    return keys - keys * keys / (2 * sequence);
}

double model_flops(const struct assay_architecture *a, int64_t sequence)
{
    struct assay_parameters count;
    double tokens = (double)sequence, head = (double)a->vocabulary * (double)a->hidden;
    bool latent = a->attention == ASSAY_ATTENTION_LATENT;
    double widths =
        latent ? (double)(a->nope_dim + a->rope_dim + a->value_dim) : 2 * (double)a->head_dim;

    assay_architecture_count(a, &count);
    double multiplying = (double)count.active_without_embedding + (a->tied ? head : 0);
    if (a->mtp_layers > 0) { /* as heavy, a token, as a mixture layer of the model, and a head */
        double layers = (double)count.active_without_embedding - (a->tied ? 0 : head);
        multiplying += (double)a->mtp_layers * (layers / (double)a->layers + head +
                                                2 * (double)a->hidden * (double)a->hidden);
    }
    double core =
        2 * keys_seen(a, tokens) * (double)a->heads * widths * (double)(a->layers + a->mtp_layers);
    return 3 * tokens * (2 * multiplying + core);
}
