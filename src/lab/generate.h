/* SPDX-License-Identifier: Apache-2.0 */
/*
 * generate: texts of a model. In: a model and the first token of each text. Out: tokens drawn one
 * by one from its probabilities, all texts side by side, keys and values kept. What can go wrong:
 * memory; a length that the model's context does not hold.
 */
#ifndef LAB_GENERATE_H
#define LAB_GENERATE_H

#include "lab/model.h"

#define LAB_MOST_ROWS 65536

/*
 * `tokens` is rows x length, 1 to LAB_MOST_ROWS rows; the first of each row is given, the others
 * are drawn, each in proportion to p^(1 / temperature), temperature above 0.
 */
ASSAY_MUST_USE assay_status lab_generate(const struct lab_model *model, size_t rows, size_t length,
                                         double temperature, struct assay_random *random,
                                         uint16_t *tokens, struct assay_error *error);

#endif
