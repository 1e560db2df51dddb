/* SPDX-License-Identifier: Apache-2.0 */
/* A tree of likeness, with support, as Newick and as a picture. */
#include "style/join.h"
#include "style/likeness.h"

#include <assay/style.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_MODELS 1000
#define ROW 16    /* height of a leaf in the picture */
#define DEPTH 560 /* width of the deepest branch */
#define LABEL 340

struct work {
    const struct assay_context *context;
    struct assay_responses *const *models;
    size_t n, replicates;
    struct style_likeness likeness;
    struct style_join tree;
    double *support; /* by node of the tree */
    uint8_t *found;  /* [replicate * 2n + node] */
    bool *failed;
    size_t *first, *next; /* children: first of each, and the next beside it */
    struct assay_style_tree *result;
    FILE *to;
};

static bool join_drawn(const struct work *w, const unsigned times[STYLE_BLOCKS],
                       struct style_join *tree)
{
    double *distances = malloc(w->n * w->n * sizeof *distances);
    if (!distances)
        return false;
    style_likeness_words(&w->likeness, times, distances);
    for (size_t i = 0; i < w->n * w->n; i++)
        distances[i] = isnan(distances[i]) ? 1 : 1 - distances[i];
    for (size_t i = 0; i < w->n; i++)
        distances[i * w->n + i] = 0;
    bool good = style_join(w->n, distances, tree);
    free(distances);
    return good;
}

static int by_split(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void draw_again(void *data, size_t i)
{
    struct work *w = data;
    struct style_join tree;
    struct assay_random random;
    unsigned times[STYLE_BLOCKS] = {0};
    assay_random_start(&random, w->context->seed, i);
    for (int b = 0; b < STYLE_BLOCKS; b++)
        times[assay_random_below(&random, STYLE_BLOCKS)]++;
    w->failed[i] = !join_drawn(w, times, &tree);
    if (w->failed[i])
        return;
    qsort(tree.split, tree.nodes, sizeof *tree.split, by_split);
    for (size_t k = w->n; k < w->tree.nodes; k++)
        w->found[i * 2 * w->n + k] = bsearch(&w->tree.split[k], tree.split, tree.nodes,
                                             sizeof *tree.split, by_split) != NULL;
    style_join_free(&tree);
}

/* ---- Newick -------------------------------------------------------------------------- */

/* Quoted as Newick wants it: ' doubled. */
static void write_name(FILE *to, const char *name)
{
    fputc('\'', to);
    for (; *name; name++) {
        if (*name == '\'')
            fputc('\'', to);
        fputc((unsigned char)*name < 0x20 ? ' ' : *name, to);
    }
    fputc('\'', to);
}

/* At most MOST_MODELS deep. */
static void write_newick(struct work *w, size_t node)
{
    bool centre = w->tree.parent[node] == SIZE_MAX;
    if (node < w->n) {
        write_name(w->to, w->models[node]->name);
    } else {
        fputc('(', w->to);
        for (size_t c = w->first[node]; c != SIZE_MAX; c = w->next[c]) {
            write_newick(w, c);
            if (w->next[c] != SIZE_MAX)
                fputc(',', w->to);
        }
        fputc(')', w->to);
        if (!centre && w->replicates > 0) {
            fprintf(w->to, "%.0f", 100 * w->support[node]);
            w->result->support[w->result->support_count++] = w->support[node];
        }
    }
    if (!centre)
        fprintf(w->to, ":%.5f", w->tree.length[node]);
}

/* ---- the picture --------------------------------------------------------------------- */

static void write_escaped(FILE *to, const char *text)
{
    for (; *text; text++) {
        if (*text == '&')
            fputs("&amp;", to);
        else if (*text == '<')
            fputs("&lt;", to);
        else
            fputc((unsigned char)*text < 0x20 ? ' ' : *text, to);
    }
}

static double depth(const struct work *w, size_t node)
{
    double deepest = 0;
    for (size_t c = w->first[node]; c != SIZE_MAX; c = w->next[c])
        deepest = fmax(deepest, w->tree.length[c] + depth(w, c));
    return deepest;
}

/* Returns the height at which the node stands. */
static double write_node(struct work *w, size_t node, double x, double scale, size_t *row)
{
    double top = INFINITY, bottom = -INFINITY;
    if (node < w->n) {
        double y = ROW * (double)(*row)++ + ROW;
        fprintf(w->to, "<text x=\"%.1f\" y=\"%.1f\">", x + 4, y + 4);
        write_escaped(w->to, w->models[node]->name);
        fputs("</text>\n", w->to);
        return y;
    }
    for (size_t c = w->first[node]; c != SIZE_MAX; c = w->next[c]) {
        double there = x + scale * w->tree.length[c];
        double y = write_node(w, c, there, scale, row);
        fprintf(w->to, "<path d=\"M%.1f %.1fH%.1f\"/>\n", x, y, there);
        if (c >= w->n && w->replicates > 0)
            fprintf(w->to, "<text class=\"s\" x=\"%.1f\" y=\"%.1f\">%.0f</text>\n", there - 2,
                    y - 2, 100 * w->support[c]);
        top = fmin(top, y);
        bottom = fmax(bottom, y);
    }
    fprintf(w->to, "<path d=\"M%.1f %.1fV%.1f\"/>\n", x, top, bottom);
    return (top + bottom) / 2;
}

static void write_svg(struct work *w)
{
    size_t centre = w->tree.nodes - 1, row = 0;
    double deepest = depth(w, centre);
    fprintf(w->to,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%zu\" "
            "viewBox=\"0 0 %d %zu\" font-family=\"sans-serif\" font-size=\"11\">\n"
            "<title>Likeness of texts, not descent; numbers are bootstrap support in "
            "percent</title>\n<style>path{stroke:#345;fill:none}.s{font-size:8px;fill:#a40;"
            "text-anchor:end}</style>\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
            DEPTH + LABEL, ROW * (w->n + 1), DEPTH + LABEL, ROW * (w->n + 1));
    write_node(w, centre, 10, deepest > 0 ? (DEPTH - 10) / deepest : 0, &row);
    fputs("</svg>\n", w->to);
}

/* ---- the whole ----------------------------------------------------------------------- */

/* What `write` prints, in the arena; NULL if memory is short. */
static char *printed(struct work *w, bool picture)
{
    char *text = NULL, *kept = NULL;
    size_t size = 0;
    w->to = open_memstream(&text, &size);
    if (!w->to)
        return NULL;
    if (picture) {
        write_svg(w);
    } else {
        write_newick(w, w->tree.nodes - 1);
        fputc(';', w->to);
    }
    if (fclose(w->to) == 0)
        kept = assay_arena_copy_bytes(w->result->arena, text, size);
    free(text);
    return kept;
}

/* Children in the order of their nodes. */
static bool link_children(struct work *w)
{
    w->first = malloc(2 * w->n * sizeof *w->first);
    w->next = malloc(2 * w->n * sizeof *w->next);
    for (size_t i = 0; w->first && w->next && i < 2 * w->n; i++)
        w->first[i] = w->next[i] = SIZE_MAX;
    for (size_t i = w->tree.nodes; w->first && w->next && i-- > 0;) {
        size_t parent = w->tree.parent[i];
        if (parent == SIZE_MAX)
            continue;
        w->next[i] = w->first[parent];
        w->first[parent] = i;
    }
    return w->first && w->next;
}

static assay_status grow(struct work *w, struct assay_error *error)
{
    bool good = join_drawn(w, style_every_block, &w->tree) && link_children(w);
    w->support = calloc(2 * w->n, sizeof *w->support);
    w->found = calloc(2 * w->n * (w->replicates + 1), sizeof *w->found);
    w->failed = calloc(w->replicates + 1, sizeof *w->failed);
    if (good && w->support && w->found && w->failed)
        ASSAY_TRY(
            assay_parallel_for(w->context, "bootstrap trees", w->replicates, draw_again, w, error));
    else
        good = false;
    for (size_t i = 0; i < w->replicates && good; i++) {
        good = !w->failed[i];
        for (size_t k = 0; k < 2 * w->n; k++)
            w->support[k] += (double)w->found[i * 2 * w->n + k] / (double)w->replicates;
    }
    w->result->arena = assay_arena_new();
    if (good && w->result->arena)
        w->result->support = assay_arena_alloc(w->result->arena, w->n, sizeof(double));
    if (good && w->result->support) {
        w->result->newick = printed(w, false);
        w->result->svg = printed(w, true);
    }
    return w->result->newick && w->result->svg
               ? ASSAY_OK
               : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

assay_status assay_style_tree_make(const struct assay_context *context,
                                   struct assay_responses *const *models, size_t count,
                                   int replicates, struct assay_style_tree *tree,
                                   struct assay_error *error)
{
    struct style_corpus corpus;
    struct work w = {.context = context,
                     .models = models,
                     .n = count,
                     .replicates = (size_t)replicates,
                     .result = tree};
    *tree = (struct assay_style_tree){.newick = NULL};
    if (count < 3 || count > MOST_MODELS || replicates < 0 || replicates > 1000)
        return assay_error_at(error, ASSAY_ERROR_INPUT, NULL, 0,
                              "expected 3 to %d models and 0 to 1000 replicates, found %zu and %d",
                              MOST_MODELS, count, replicates);
    ASSAY_TRY(style_corpus_make(context, models, count, &corpus, error));
    assay_status status = style_likeness_make(context, &corpus, false, &w.likeness, error);
    style_corpus_free(&corpus);
    ASSAY_TRY(status);
    status = grow(&w, error);
    style_likeness_free(&w.likeness);
    style_join_free(&w.tree);
    free(w.support);
    free(w.found);
    free(w.failed);
    free(w.first);
    free(w.next);
    if (status != ASSAY_OK)
        assay_style_tree_free(tree);
    return status;
}

void assay_style_tree_free(struct assay_style_tree *tree)
{
    assay_arena_free(tree->arena);
    *tree = (struct assay_style_tree){.newick = NULL};
}
