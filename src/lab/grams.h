/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grams: how probable a text is to a writer known by texts alone. In: texts of a candidate. Out:
 * a model of bytes, each given up to `order - 1` before it, smoothed by Witten and Bell's method
 * (IEEE Trans. Inf. Theory 37(4), 1991, method C, interpolated): every byte has a probability,
 * and they sum to one. What can go wrong: memory; no text.
 */
#ifndef LAB_GRAMS_H
#define LAB_GRAMS_H

#include <assay/base.h>

struct lab_grams;

struct lab_text {
    const char *bytes;
    size_t size;
};

#define LAB_MOST_ORDER 8
#define LAB_GRAMS_ORDER 4 /* of what the lab judges by */

/*
 * A model of `n` texts, no byte being seen across two of them. `order` is 1 to LAB_MOST_ORDER.
 * Free with lab_grams_free, which accepts NULL. ASSAY_ERROR_INPUT for texts without a byte.
 */
ASSAY_MUST_USE assay_status lab_grams_new(unsigned order, const struct lab_text *texts, size_t n,
                                          struct lab_grams **grams, struct assay_error *error);
void lab_grams_free(struct lab_grams *grams);

/* ln of the probability of the byte at `at` given those before it. */
double lab_grams_log_at(const struct lab_grams *grams, struct lab_text text, size_t at);

/*
 * The bytes of texts, those of one kind together: a kind is a byte and the `order` - 1 bytes before
 * it, or as many as there are. A model is asked once a kind, not once a byte.
 */
struct lab_places {
    unsigned order;
    uint32_t *kind; /* of each byte, the texts one after another */
    size_t kinds;
    uint64_t *keys; /* private */
};

/* Free with lab_places_free. ASSAY_ERROR_LIMIT for 2^32 bytes or more; ASSAY_ERROR_MEMORY. */
ASSAY_MUST_USE assay_status lab_places_find(unsigned order, const struct lab_text *texts, size_t n,
                                            struct lab_places *places, struct assay_error *error);
void lab_places_free(struct lab_places *places);

/* lab_grams_log_at of each kind. The model and the places have one order. */
void lab_grams_log_kinds(const struct lab_grams *grams, const struct lab_places *places,
                         double *log_p);

/*
 * The black-box score: the mean over the suspect's bytes of ln p under `teacher` less ln p under
 * `other`, in nats a byte. Positive: more like the teacher. NaN without a byte.
 */
double lab_grams_contrast(const struct lab_grams *teacher, const struct lab_grams *other,
                          const struct lab_text *suspect, size_t n);

#endif
