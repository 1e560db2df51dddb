/* SPDX-License-Identifier: Apache-2.0 */
/*
 * infer_curves: what hypotheses of hardware predict, as curves beside the claim. In: hypotheses as
 * weighed, best first. Out: up to INFER_CURVES figures in the writer's arena. What can go wrong:
 * memory, noted in the writer.
 */
#ifndef CLAIM_INFER_CURVES_H
#define CLAIM_INFER_CURVES_H

#include "claim/infer.h"
#include "finding/writer.h"

#define INFER_CURVES 2

/*
 * Two figures: how probable each kind, at the stated count, makes every number of device-hours (if
 * hours are claimed); and the likelihood ratio against the stated machine by count. Gives how many
 * were drawn.
 */
size_t infer_curves_draw(struct finding_writer *to, const struct assay_run *run,
                         const struct hypothesis *list, size_t count,
                         const struct hypothesis *stated, struct assay_figure *figures);

#endif
