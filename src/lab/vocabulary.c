/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/vocabulary.h"

#include "lab/bpe_file.h"
#include "lab/store.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LEARN_FROM ((size_t)16 << 20) /* bytes of the prose, at most */
#define MEASURE ((size_t)1 << 20)

static assay_status no_memory(struct assay_error *error)
{
    return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

/* ---- learning it --------------------------------------------------------------------- */

/* Of the merges: the same on every machine. */
static assay_status digest_of(const struct lab_bpe *b, char hex[65], struct assay_error *error)
{
    size_t n = b->count - LAB_BPE_LEAST;
    unsigned char *bytes = malloc(4 * n + 1);
    if (!bytes)
        return no_memory(error);
    for (size_t i = 0; i < n; i++) {
        bytes[4 * i] = (unsigned char)(b->merges[i].left & 255);
        bytes[4 * i + 1] = (unsigned char)(b->merges[i].left >> 8);
        bytes[4 * i + 2] = (unsigned char)(b->merges[i].right & 255);
        bytes[4 * i + 3] = (unsigned char)(b->merges[i].right >> 8);
    }
    assay_sha256_bytes(bytes, 4 * n, hex);
    free(bytes);
    return ASSAY_OK;
}

/* Every author's text is longer than a training text, however long its tokens are. */
static assay_status check(const struct lab_design *d, const struct lab_bpe *b,
                          struct assay_error *error)
{
    size_t longest = 1;
    for (size_t t = 1; t < b->count; t++)
        if (b->start[t + 1] - b->start[t] > longest)
            longest = b->start[t + 1] - b->start[t];
    for (int author = LAB_HUMAN_AUTHOR; author < (int)(d->teacher_count + d->control_teachers);
         author++) {
        size_t size = lab_design_part(d, author).size;
        size = size < d->prose_bytes - 1 ? size : d->prose_bytes - 1;
        if (size / longest < (size_t)d->length + 2)
            return assay_error_at(
                error, ASSAY_ERROR_INPUT, d->vocabulary_at->file, d->vocabulary_at->line,
                "vocabulary: its longest token takes %zu bytes, so that %zu bytes of an author may "
                "be fewer tokens than the %u of a training text: expected more text, a smaller "
                "vocabulary or a shorter length",
                longest, size, d->length);
    }
    return ASSAY_OK;
}

assay_status lab_vocabulary_learn(struct lab_design *d, struct lab_bpe *b,
                                  struct assay_error *error)
{
    struct assay_error reason = {.message = ""};
    *b = (struct lab_bpe){.count = 0};
    if (d->vocabulary == 0)
        return ASSAY_OK;
    struct lab_part prose = lab_design_part(d, LAB_PROSE);
    size_t size = prose.size < LEARN_FROM ? prose.size : LEARN_FROM;
    assay_status status = lab_bpe_train(prose.bytes, size, d->vocabulary, b, &reason);
    if (status == ASSAY_ERROR_INPUT)
        return assay_error_at(error, status, d->vocabulary_at->file, d->vocabulary_at->line, "%s",
                              reason.message);
    if (status != ASSAY_OK) {
        if (error)
            *error = reason;
        return status;
    }
    status = check(d, b, error);
    if (status == ASSAY_OK)
        status = digest_of(b, d->vocabulary_digest, error);
    if (status != ASSAY_OK)
        lab_bpe_free(b);
    return status;
}

assay_status lab_vocabulary_keep(const struct lab_design *d, const struct lab_bpe *b,
                                 const char *folder, struct assay_error *error)
{
    char path[LAB_MOST_PATH];
    if (b->count == 0)
        return ASSAY_OK;
    if (snprintf(path, sizeof path, "%s/%s.tokenizer.json", folder, d->vocabulary_digest) >=
        (int)sizeof path)
        return assay_error_at(error, ASSAY_ERROR_LIMIT, folder, 0, "the folder's name is too long");
    return access(path, F_OK) == 0 ? ASSAY_OK : lab_bpe_write(b, path, error);
}

double lab_vocabulary_bytes(const struct lab_design *d, const struct lab_bpe *b)
{
    struct lab_part prose = lab_design_part(d, LAB_PROSE);
    size_t size = prose.size < MEASURE ? prose.size : MEASURE, n = 0;
    uint16_t *tokens = malloc((size + 1) * sizeof *tokens);
    bool good = tokens && lab_vocabulary_encode(b, prose.bytes, size, tokens, &n, NULL) == ASSAY_OK;
    free(tokens);
    return good && n > 0 ? (double)size / (double)n : (double)NAN;
}

/* ---- using it ------------------------------------------------------------------------ */

assay_status lab_vocabulary_encode(const struct lab_bpe *b, const char *text, size_t size,
                                   uint16_t *tokens, size_t *count, struct assay_error *error)
{
    if (b->count > 0)
        return lab_bpe_encode(b, text, size, tokens, count, error);
    for (size_t i = 0; i < size; i++)
        tokens[i] = (unsigned char)text[i];
    *count = size;
    return ASSAY_OK;
}

void lab_vocabulary_spell(const struct lab_bpe *b, const uint16_t *tokens, size_t n, char *text,
                          size_t size)
{
    size_t to = 0;
    for (size_t i = 0; i < n && to < size; i++) {
        if (tokens[i] == 0)
            text[to++] = '\n';
        else if (b->count == 0)
            text[to++] = (char)tokens[i];
        else
            to += lab_bpe_decode(b, tokens + i, 1, text + to, size - to);
    }
    for (size_t i = 0; i < size; i++)
        if (text[i] == 0)
            text[i] = '\n'; /* no text of a folder has one */
}
