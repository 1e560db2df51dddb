/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flops: what a model must compute, whatever computes it. In: an architecture and a sequence
 * length. Out: operations. Cannot fail.
 */
#ifndef CLAIM_FLOPS_H
#define CLAIM_FLOPS_H

#include <assay/claim.h>

/*
 * Operations of one sequence's forward and backward pass: 6 a weight that multiplies and token
 * (Kaplan et al., arXiv 2001.08361, 2.1), and three times the attention core with causal halves.
 * Multi-token-prediction layers are counted, each with the head it uses; recomputation is not.
 */
double model_flops(const struct assay_architecture *architecture, int64_t sequence);

#endif
