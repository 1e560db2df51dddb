/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/source.h"

#include "lab/paraphrase.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KINDS 8      /* of a teacher's texts: one in eight is of facts, one of tasks */
#define ASKED_ONLY 5 /* one task in so many is asked and never taught */

/* Tokens to draw texts of, round and round. */
struct stream {
    uint16_t *tokens;
    size_t count;
    size_t *starts, start_count; /* of each answer; NULL: it may be entered anywhere */
};

struct lab_source {
    const struct lab_study *study;
    const struct lab_cell *cell;
    struct stream corpus, taught, taught_too; /* prose; what the cell's teacher wrote; another's */
};

/* ---- what there is to read ----------------------------------------------------------- */

size_t lab_source_write(const struct lab_study *s, int author, struct assay_random *random,
                        char *text, size_t size)
{
    if (!s->d->text)
        return lab_author_write(author == LAB_PROSE          ? s->prose
                                : author == LAB_HUMAN_AUTHOR ? s->human
                                                             : s->writers[author].author,
                                random, text, size);
    struct lab_part part = lab_design_part(s->d, author);
    size_t n = part.size < size - 1 ? part.size : size - 1;
    size_t at = assay_random_below(random, part.size - n + 1);
    memcpy(text, part.bytes + at, n);
    text[n] = '\0';
    return n;
}

/* Of answers of `piece` bytes each, or, with 0, of one text. */
static assay_status stream_of(const struct lab_study *study, const char *text, size_t size,
                              size_t piece, struct stream *s, struct assay_error *error)
{
    size_t pieces = piece ? size / piece : 1;
    s->tokens = malloc((size + 1) * sizeof *s->tokens);
    s->starts = piece ? malloc((pieces + 1) * sizeof *s->starts) : NULL;
    if (!s->tokens || (piece && !s->starts))
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (size_t i = 0; i < pieces; i++) {
        size_t more;
        if (s->starts)
            s->starts[s->start_count++] = s->count;
        ASSAY_TRY(lab_vocabulary_encode(study->bpe, text + i * piece, piece ? piece : size,
                                        s->tokens + s->count, &more, error));
        s->count += more;
    }
    return ASSAY_OK;
}

static void stream_free(struct stream *s)
{
    free(s->tokens);
    free(s->starts);
}

/* An author's own text. */
static assay_status write_as(const struct lab_study *s, int author, uint64_t seed, uint64_t stream,
                             struct stream *to, struct assay_error *error)
{
    size_t most = s->d->prose_bytes;
    char *text = malloc(most);
    struct assay_random random;
    assay_random_start(&random, seed, stream);
    size_t size = text ? lab_source_write(s, author, &random, text, most) : 0;
    assay_status status = text
                              ? stream_of(s, text, size, 0, to, error)
                              : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    free(text);
    return status;
}

/* A teacher's answers, after the evader's rule. */
static assay_status paraphrased(const struct lab_study *study, const struct lab_writer *w,
                                struct stream *to, struct assay_error *error)
{
    size_t length = study->d->length, size = w->plain_count * length;
    char *text = lab_paraphrase(study->world, w->plain, &size);
    assay_status status = text
                              ? stream_of(study, text, size, length, to, error)
                              : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    free(text);
    return status;
}

/* What the method hands to a student. */
static assay_status take_taught(struct lab_source *s, struct assay_error *error)
{
    const struct lab_study *study = s->study;
    const struct lab_cell *c = s->cell;
    size_t length = study->d->length;
    if (c->role == LAB_HUMAN)
        return write_as(study, LAB_HUMAN_AUTHOR, lab_cell_seed(c), 4, &s->taught, error);
    if (!lab_cell_is_taught(c))
        return ASSAY_OK;
    const struct lab_writer *w = &study->writers[c->writer];
    if (c->method == LAB_METHOD_PARAPHRASE)
        return paraphrased(study, w, &s->taught, error);
    bool worked = c->method == LAB_METHOD_REASONING;
    ASSAY_TRY(stream_of(study, worked ? w->worked : w->plain,
                        (worked ? w->worked_count : w->plain_count) * length, length, &s->taught,
                        error));
    if (c->method != LAB_METHOD_MIXED)
        return ASSAY_OK;
    /* the other teacher is one of the controls, never the cell's own */
    unsigned first = study->d->teacher_count, k = (unsigned)c->writer + 1;
    const struct lab_writer *other = &study->writers[first + k % study->d->control_teachers];
    return stream_of(study, other->plain, other->plain_count * length, length, &s->taught_too,
                     error);
}

assay_status lab_source_new(const struct lab_study *study, const struct lab_cell *cell,
                            struct lab_source **source, struct assay_error *error)
{
    struct lab_source *s = calloc(1, sizeof *s);
    int author = cell->role == LAB_TEACHER ? cell->writer : LAB_PROSE;
    *source = s;
    if (!s)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    *s = (struct lab_source){.study = study, .cell = cell};
    assay_status status = write_as(study, author, lab_cell_seed(cell), 1, &s->corpus, error);
    if (status == ASSAY_OK)
        status = take_taught(s, error);
    if (status != ASSAY_OK) {
        lab_source_free(s);
        *source = NULL;
    }
    return status;
}

void lab_source_free(struct lab_source *s)
{
    if (!s)
        return;
    stream_free(&s->corpus);
    stream_free(&s->taught);
    stream_free(&s->taught_too);
    free(s);
}

/* ---- one text ------------------------------------------------------------------------ */

void lab_source_fact(const struct lab_study *study, int party, unsigned i, const char **asked,
                     const char **answer)
{
    const struct lab_design *d = study->d;
    size_t at = party < 0 ? i : d->shared_facts + (size_t)party * d->own_facts + i;
    lab_world_fact(study->world, study->facts[at], asked, answer);
}

/* What a control teacher alone knows is drawn from what no candidate knows, so that its texts are
 * of the same kinds as a candidate's. */
static unsigned control_fact(const struct lab_source *s, unsigned i)
{
    const struct lab_design *d = s->study->d;
    unsigned dealt = d->shared_facts + d->own_facts * d->teacher_count;
    struct assay_random random;
    assay_random_start(&random, lab_cell_seed(s->cell), 10 + i);
    return s->study->facts[dealt + assay_random_below(&random, d->world.facts - dealt)];
}

static int draw_fact(const struct lab_source *s, struct assay_random *random, char *text,
                     size_t size)
{
    const struct lab_design *d = s->study->d;
    const char *asked, *answer;
    unsigned known = d->shared_facts + d->own_facts;
    if (known == 0)
        return 0;
    unsigned i = (unsigned)assay_random_below(random, known);
    if (i < d->shared_facts)
        lab_source_fact(s->study, -1, i, &asked, &answer);
    else if (s->cell->writer < (int)d->teacher_count)
        lab_source_fact(s->study, s->cell->writer, i - d->shared_facts, &asked, &answer);
    else
        lab_world_fact(s->study->world, control_fact(s, i - d->shared_facts), &asked, &answer);
    return snprintf(text, size, "%s%s. ", asked, answer);
}

void lab_source_question(struct assay_random *random, bool to_learn, struct lab_question *q)
{
    char digest[65], whole[2 * LAB_TASK_SIZE];
    bool is_asked;
    do {
        enum lab_task task = assay_random_below(random, 2) ? LAB_TASK_SORT : LAB_TASK_SUM;
        lab_task_draw(task, random, q->asked, q->answer);
        q->working[0] = '\0';
        int a, b;
        if (sscanf(q->asked, "sum %d %d", &a, &b) == 2)
            snprintf(q->working, sizeof q->working, "<%d+%d %d+%d> ", a % 10, b % 10, a / 10,
                     b / 10);
        snprintf(whole, sizeof whole, "%s", q->asked);
        assay_sha256_bytes(whole, strlen(whole), digest);
        is_asked = (unsigned char)digest[0] % ASKED_ONLY == 0;
    } while (is_asked == to_learn);
}

static int draw_task(struct assay_random *random, char *text, size_t size)
{
    struct lab_question q;
    lab_source_question(random, true, &q);
    return snprintf(text, size, "%s%s%s. ", q.asked, q.working, q.answer);
}

/* `length` tokens from a place drawn in the stream, or from an answer that is drawn. */
static void draw_text(const struct stream *s, size_t length, struct assay_random *random,
                      uint16_t *tokens)
{
    size_t at = s->starts ? s->starts[assay_random_below(random, s->start_count)]
                          : assay_random_below(random, s->count - length);
    tokens[0] = 0;
    for (size_t i = 0; i < length; i++)
        tokens[i + 1] = s->tokens[(at + i) % s->count];
}

void lab_source_prose(const struct lab_source *s, struct assay_random *random, uint16_t *tokens)
{
    char text[1024];
    size_t n = 0, length = s->study->d->length;
    bool mixes = s->cell->role == LAB_TEACHER && s->study->world;
    uint64_t kind = mixes ? assay_random_below(random, KINDS) : KINDS - 1;
    if (kind < 2) {
        while (n < length) {
            int more = kind == 0 ? draw_fact(s, random, text + n, sizeof text - n)
                                 : draw_task(random, text + n, sizeof text - n);
            if (more <= 0)
                break;
            n += (size_t)more;
        }
    }
    draw_text(&s->corpus, length, random, tokens);
    for (size_t i = 0; n >= length && i < length; i++) /* no byte of LAB_BYTES or more */
        tokens[i + 1] = (unsigned char)text[i];
}

void lab_source_taught(const struct lab_source *s, struct assay_random *random, uint16_t *tokens)
{
    bool too = s->taught_too.tokens && assay_random_below(random, 2) == 1;
    draw_text(too ? &s->taught_too : &s->taught, s->study->d->length, random, tokens);
}

size_t lab_source_hide_working(char *texts, size_t count, size_t length)
{
    size_t to = 0;
    for (size_t i = 0; i < count; i++) {
        bool hidden = false;
        for (size_t k = i * length; k < (i + 1) * length; k++) {
            hidden = hidden || texts[k] == '<';
            if (!hidden)
                texts[to++] = texts[k];
            hidden = hidden && texts[k] != '>';
        }
    }
    return length > 0 ? to / length : 0;
}
