/* SPDX-License-Identifier: Apache-2.0 */
#include "style/itself.h"

#include "style/tokens.h"

#include <stdlib.h>
#include <string.h>

#define SAME_SHARE 0.9 /* of answers, letter by letter */

static uint32_t tokens_of(const struct assay_responses *set, size_t answer)
{
    const struct assay_answer *a = &set->answers[answer];
    if (set->fingerprint)
        return set->fingerprint->prompts[answer].tokens;
    uint32_t *tokens = malloc((a->bytes + 1) * sizeof *tokens);
    size_t n = tokens ? style_tokenise(a->text, a->bytes, tokens) : 0;
    free(tokens);
    return (uint32_t)n;
}

static const struct assay_answer *find(const struct assay_responses *set, uint64_t key)
{
    for (size_t i = 0; i < set->n; i++)
        if (set->answers[i].key_hash == key)
            return &set->answers[i];
    return NULL;
}

/* By the lengths, where a fingerprint has no texts. */
static size_t same_lengths(const struct assay_responses *a, const struct assay_responses *b,
                           size_t *shared)
{
    size_t same = 0;
    for (size_t i = 0; i < a->n; i++) {
        const struct assay_answer *other = find(b, a->answers[i].key_hash);
        *shared += other != NULL;
        same += other && tokens_of(a, i) == tokens_of(b, (size_t)(other - b->answers));
    }
    return same;
}

size_t style_same_answers(const struct assay_responses *a, const struct assay_responses *b,
                          size_t *shared)
{
    size_t same = 0;
    *shared = 0;
    if (a->fingerprint || b->fingerprint)
        return same_lengths(a, b, shared);
    for (size_t i = 0, k = 0; i < a->n && k < b->n;) {
        int order = strcmp(a->answers[i].key, b->answers[k].key);
        if (order == 0) {
            ++*shared;
            same += strcmp(a->answers[i].text, b->answers[k].text) == 0;
        }
        i += order <= 0;
        k += order >= 0;
    }
    return same;
}

bool style_answers_alike(const struct assay_responses *a, const struct assay_responses *b)
{
    size_t shared, same = style_same_answers(a, b, &shared);
    return shared > 0 && (double)same >= SAME_SHARE * (double)shared;
}

bool style_is_itself(const struct assay_responses *suspect, const struct assay_responses *other)
{
    return strcmp(suspect->name, other->name) == 0 && style_answers_alike(suspect, other);
}
