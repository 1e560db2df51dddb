/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/paraphrase.h"

#include <stdlib.h>
#include <string.h>

#define EVADER 3000   /* the manner of whoever paraphrases */
#define EVADER_SEED 1 /* of its choices */

/* The longest phrase of a kind that begins here; its length in *n. */
static bool phrase_at(enum lab_phrase phrase, const char *text, size_t left, size_t *n)
{
    const char *one;
    *n = 0;
    for (size_t i = 0; (one = lab_world_phrase(phrase, i)) != NULL; i++) {
        size_t length = strlen(one);
        if (length > *n && length <= left && memcmp(one, text, length) == 0)
            *n = length;
    }
    return *n > 0;
}

struct rewriting {
    char *text;
    size_t size, n;
};

static void append(struct rewriting *r, const char *more, size_t length)
{
    size_t room = r->size - r->n;
    memcpy(r->text + r->n, more, length < room ? length : room);
    r->n += length < room ? length : room;
}

static void rewrite(const struct lab_author *evader, const char *text, size_t size,
                    struct rewriting *r)
{
    struct assay_random random;
    bool begins = true;
    assay_random_start(&random, EVADER_SEED, 0);
    for (size_t i = 0, n; i < size && r->n < r->size;) {
        const char *more = NULL;
        if (phrase_at(LAB_MARKS, text + i, size - i, &n)) {
            more = lab_author_phrase(evader, LAB_MARKS, &random);
            append(r, more, strlen(more));
            more = lab_author_phrase(evader, LAB_OPENINGS, &random);
            begins = true;
        } else if (begins && phrase_at(LAB_OPENINGS, text + i, size - i, &n)) {
            begins = false; /* an opening was written after the mark */
            more = "";
        } else if (phrase_at(LAB_CONNECTIVES, text + i, size - i, &n)) {
            more = lab_author_phrase(evader, LAB_CONNECTIVES, &random);
        }
        append(r, more ? more : text + i, more ? strlen(more) : 1);
        i += more ? n : 1;
        begins = begins && more;
    }
}

char *lab_paraphrase(const struct lab_world *world, const char *text, size_t *size)
{
    struct lab_author *evader;
    struct rewriting r = {malloc(*size + 1), *size, 0};
    if (!r.text || lab_author_new(world, EVADER, 1, &evader, NULL) != ASSAY_OK) {
        free(r.text);
        return NULL;
    }
    rewrite(evader, text, *size, &r);
    append(&r, text, *size - r.n); /* what became shorter is filled up from the beginning */
    lab_author_free(evader);
    return r.text;
}
