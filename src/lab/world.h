/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world: texts whose truth is known to the last letter, because the lab makes them. In: a seed
 * and sizes. Out: authors who write in a manner of their own, a table of facts, tasks with right
 * answers. What can go wrong: memory; a world too small for what is asked of it.
 *
 * An author is a distribution over sentences: how often each word of a role, each opening, each
 * connective and each mark is chosen, and how long sentences are. A manner `distance` of 0 makes
 * all authors one; at 1 the log of a preference has a standard deviation of 1 between authors.
 * Authors with one manner seed are twins: they write alike, but other texts.
 */
#ifndef LAB_WORLD_H
#define LAB_WORLD_H

#include <assay/base.h>

struct lab_world_settings {
    uint64_t seed;
    unsigned words; /* of each of the two roles, names and verbs: 8 to 4000 */
    unsigned facts; /* "the owner of the X is Y.": 0 to the square of `words` */
};

struct lab_world; /* its words and facts; read-only once made */

/* Free with lab_world_free, which accepts NULL. ASSAY_ERROR_INPUT for sizes out of range. */
ASSAY_MUST_USE assay_status lab_world_new(const struct lab_world_settings *settings,
                                          struct lab_world **world, struct assay_error *error);
void lab_world_free(struct lab_world *world);

/* ---- manner --------------------------------------------------------------------------- */

struct lab_author;

/* `distance` is 0 to 10. The world must outlive the author. Free with lab_author_free. */
ASSAY_MUST_USE assay_status lab_author_new(const struct lab_world *world, uint64_t manner_seed,
                                           double distance, struct lab_author **author,
                                           struct assay_error *error);
void lab_author_free(struct lab_author *author);

/*
 * Sentences until `size` - 1 bytes are full, the last one whole or left out; NUL-terminated.
 * Returns the length. A function of the author and the state of `random` alone.
 */
size_t lab_author_write(const struct lab_author *author, struct assay_random *random, char *text,
                        size_t size);

/* The phrases between words. */
enum lab_phrase { LAB_OPENINGS = 2, LAB_CONNECTIVES, LAB_MARKS };

/* The i-th phrase of a kind, the same in all worlds; NULL beyond the last. May be "". */
const char *lab_world_phrase(enum lab_phrase phrase, size_t i);

/* One as the author would choose it. */
const char *lab_author_phrase(const struct lab_author *author, enum lab_phrase phrase,
                              struct assay_random *random);

/* ---- knowledge ------------------------------------------------------------------------ */

/* Fact `i`: what is asked, ending before the answer, and the answer. In the world. */
void lab_world_fact(const struct lab_world *world, unsigned i, const char **asked,
                    const char **answer);

/*
 * Deals the facts: `shared` to everyone, `own` to each of `parties`, none twice, in an order drawn
 * from the world's seed: order[0 .. shared-1], then each party's. ASSAY_ERROR_INPUT if there are
 * fewer facts than that, saying how many are needed.
 */
ASSAY_MUST_USE assay_status lab_world_deal(const struct lab_world *world, unsigned shared,
                                           unsigned own, unsigned parties, unsigned *order,
                                           struct assay_error *error);

/* ---- tasks ---------------------------------------------------------------------------- */

enum lab_task { LAB_TASK_SUM, LAB_TASK_SORT }; /* "sum 12 7 = 19", "sort 4 1 3 = 1 3 4" */

#define LAB_TASK_SIZE 32

/* A task with numbers of 0 to 49, or four digits to sort; both texts NUL-terminated. */
void lab_task_draw(enum lab_task task, struct assay_random *random, char asked[LAB_TASK_SIZE],
                   char answer[LAB_TASK_SIZE]);

#endif
