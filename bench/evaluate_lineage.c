/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What lineage compare finds and what it invents: evaluate_lineage FOLDER [PAIRS [SEED]].
 *
 * Bases are stories260K (a real Llama of 260 thousand weights, where ../shared is) and the models
 * of lineage_bank.h, trained here into FOLDER. Two fifths of the pairs are independent models of
 * one family, same data, same tokenizer, other seeds, one of them disguised in half of the cases;
 * three tenths a base and its child under one disguise; three tenths under three. Prints false
 * positives, recall and whether the kind of what was done is named, each with its 95% interval
 * (Clopper and Pearson). The same seed gives the same table.
 */
#include "lineage_bank.h"

#include <assay/lineage.h>
#include <assay/stats.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FOUND -6.0 /* log10 p */
#define MOST_STEPS 3
#define TUNE_STEPS 60
#define TUNED 16 /* base models that are trained on for real */

/* ---- disguises ----------------------------------------------------------------------- */

enum step {
    TRAIN,
    TUNE,
    LORA,
    NOISE,
    MERGE,
    STACK,
    DROP,
    DOUBLE,
    REORDER,
    PRUNE,
    EXPERTS,
    RESCALE,
    PERMUTE,
    HEADS,
    MIX,
    ROTATE,
    F16,
    BF16,
    Q8_0,
    Q4_0,
    RENAME,
    STEPS
};

static const struct {
    const char *name, *kind; /* kind NULL: any of those of further training; "": none */
} steps[STEPS] = {
    [TRAIN] = {"trained on, by gradients", NULL},
    [TUNE] = {"tuned, imitated", NULL},
    [LORA] = {"LoRA", "low-rank"},
    [NOISE] = {"noise of 0.05 to 0.5", NULL},
    [MERGE] = {"merged with a stranger", NULL},
    [STACK] = {"a stranger's last layers", "layers-replaced"},
    [DROP] = {"a layer left out", "layers-dropped"},
    [DOUBLE] = {"a layer doubled", "layers-duplicated"},
    [REORDER] = {"layers reordered", "layers-reordered"},
    [PRUNE] = {"10 to 50% of units pruned", "pruned"},
    [EXPERTS] = {"made experts", "upcycled"},
    [RESCALE] = {"units scaled, negated", "rescaled"},
    [PERMUTE] = {"units, stream renumbered", "permuted"},
    [HEADS] = {"heads renumbered", "heads-permuted"},
    [MIX] = {"heads mixed", "heads-mixed"},
    [ROTATE] = {"residual stream turned", "rotated"},
    [F16] = {"rounded to F16", "quantised"},
    [BF16] = {"rounded to BF16", "quantised"},
    [Q8_0] = {"rounded to Q8_0", "quantised"},
    [Q4_0] = {"rounded to Q4_0", "quantised"},
    [RENAME] = {"names hidden", ""},
};

/* Ways to find a relation: tensors as they are numbered; feed-forward units by number with the
 * residual stream laid over the other's; units on which gate, up and down agree. */
enum method { NUMBERED, LAID_OVER, AGREEING, METHODS };

struct case_of {
    bool independent;
    size_t a, b; /* base models; b: the other one of independent pairs, or a merge's */
    enum step list[MOST_STEPS];
    size_t count;
    double strength[MOST_STEPS];
    uint64_t seed;
    /* results */
    bool done, found;
    double log10_p, agreement; /* the largest share of units whose parts agree */
    double method[METHODS];    /* log10 p by each way alone, corrected for all tests */
    bool named[MOST_STEPS], expected[MOST_STEPS];
    char kinds[200], message[300];
};

struct evaluation {
    const struct bank_model *bank;
    size_t bank_count;
    char stories[1024]; /* "" without */
    const char *folder;
    struct case_of *cases;
    size_t count;
};

static const char *path_of(const struct evaluation *e, size_t base)
{
    return base < e->bank_count ? e->bank[base].path : e->stories;
}

static bool excludes(enum step a, enum step b)
{
    static const int group[STEPS] = {
        [TRAIN] = 0, [TUNE] = 0,    [LORA] = 0,    [NOISE] = 0,   [MERGE] = 1,   [STACK] = 1,
        [DROP] = 2,  [DOUBLE] = 2,  [REORDER] = 2, [F16] = 3,     [BF16] = 3,    [Q8_0] = 3,
        [Q4_0] = 3,  [PRUNE] = 4,   [EXPERTS] = 5, [RESCALE] = 6, [PERMUTE] = 7, [HEADS] = 8,
        [MIX] = 9,   [ROTATE] = 10, [RENAME] = 11};
    return group[a] == group[b] ||
           ((a == STACK || b == STACK) && group[a] + group[b] == 3); /* layers of layers */
}

static bool has_step(const struct case_of *c, enum step step)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->list[i] == step)
            return true;
    return false;
}

/* Whether the step's own kind can be told at all beside the others. */
static bool can_be_named(const struct case_of *c, enum step step)
{
    bool other_values = has_step(c, MERGE) || has_step(c, Q4_0) || has_step(c, Q8_0) ||
                        has_step(c, BF16) || has_step(c, RESCALE);
    if (step == RENAME)
        return false;
    if (step == LORA && other_values)
        return false; /* what they change is of full rank, or hides lengths */
    if ((step == HEADS || step == MIX || step == REORDER) && has_step(c, RENAME))
        return false; /* nothing says which tensor is which */
    return true;
}

static long layers_of(const struct evaluation *e, size_t base)
{
    return base < e->bank_count ? (long)bank_families[e->bank[base].family].shape.layers : 5;
}

static void set_layers(const struct evaluation *e, const struct case_of *c, enum step step,
                       char layers[64])
{
    struct assay_random random;
    long n = layers_of(e, c->a);
    assay_random_start(&random, c->seed, 3);
    long at = (long)assay_random_below(&random, (uint64_t)n);
    size_t length = 0;
    for (long i = 0; i < n; i++) {
        long layer = i;
        if (step == DROP && i == at)
            continue;
        if (step == REORDER && n > 1) { /* two neighbours change places */
            long first = at == n - 1 ? at - 1 : at;
            layer = i == first ? first + 1 : i == first + 1 ? first : i;
        }
        for (int times = 0; times < 1 + (step == DOUBLE && i == at); times++)
            length +=
                (size_t)snprintf(layers + length, 64 - length, "%s%ld", length ? "," : "", layer);
    }
}

static void set_step(const struct evaluation *e, const struct case_of *c, size_t i,
                     struct assay_disguise *d, char layers[64])
{
    double x = c->strength[i];
    switch (c->list[i]) {
    case TUNE:
        d->tune = 0.05 + 0.45 * x;
        break;
    case LORA:
        d->lora = 1 + (unsigned)(8 * x);
        break;
    case NOISE:
        d->noise = 0.05 + 0.45 * x;
        break;
    case MERGE:
        d->merge_share = 0.1 + 0.3 * x;
        break;
    case STACK:
        d->merge_share = 0.5;
        d->merge_stacked = true;
        break;
    case DROP:
    case DOUBLE:
    case REORDER:
        set_layers(e, c, c->list[i], layers);
        d->layers = layers;
        break;
    case PRUNE:
        d->prune = 0.1 + 0.4 * x;
        break;
    case EXPERTS:
        d->experts = 2 + (unsigned)(3 * x);
        break;
    case RESCALE:
        d->rescale = true;
        break;
    case PERMUTE:
        d->permute = true;
        break;
    case HEADS:
        d->permute_heads = true;
        break;
    case MIX:
        d->mix_heads = true;
        break;
    case ROTATE:
        d->rotate = true;
        break;
    case F16:
        d->quantise = "f16";
        break;
    case BF16:
        d->quantise = "bf16";
        break;
    case Q8_0:
        d->quantise = "q8_0";
        break;
    case Q4_0:
        d->quantise = "q4_0";
        break;
    case RENAME:
        d->rename = true;
        break;
    default:
        break;
    }
}

/* ---- one pair ------------------------------------------------------------------------ */

static bool has_kind(const struct assay_lineage_comparison *r, const char *kind)
{
    for (size_t i = 0; i < r->relation_count; i++) {
        const char *own = r->relations[i].kind;
        if (kind ? strcmp(own, kind) == 0
                 : strcmp(own, "fine-tuned") == 0 || strcmp(own, "continued-training") == 0 ||
                       strcmp(own, "shared-initialisation") == 0)
            return true;
    }
    return false;
}

static void read_result(struct case_of *c, const struct assay_lineage_comparison *r)
{
    c->log10_p = r->log10_p;
    c->found = r->log10_p < FOUND;
    for (size_t i = 0; i < r->match_count; i++) {
        const struct assay_lineage_match *m = &r->matches[i];
        c->agreement = fmax(c->agreement, (double)m->agreeing / (double)m->units_a);
        bool units = strcmp(m->axis, "units") == 0;
        double family = log10((double)r->tests);
        double number = fmin(assay_lineage_fixed_tail(m->fixed, m->units_a, m->units_b),
                             assay_lineage_increasing_tail(m->increasing, m->units_a));
        double agreement =
            units ? assay_lineage_agreement_tail(m->agreeing, m->units_a, m->units_b, 0.1) : 0;
        enum method method = units ? LAID_OVER : NUMBERED;
        c->method[method] = fmin(c->method[method], fmin(0, number + family + log10(3)));
        c->method[AGREEING] = fmin(c->method[AGREEING], fmin(0, agreement + family + log10(3)));
    }
    for (size_t i = 0; i < c->count; i++) {
        c->expected[i] = !c->independent && can_be_named(c, c->list[i]);
        c->named[i] = has_kind(r, steps[c->list[i]].kind);
    }
    for (size_t i = 0; i < r->relation_count; i++)
        snprintf(c->kinds + strlen(c->kinds), sizeof c->kinds - strlen(c->kinds), " %s",
                 r->relations[i].kind);
    c->done = true;
}

/* The model that is disguised: the other one of independent pairs, the base trained on, or it. */
static void source_of(const struct evaluation *e, const struct case_of *c, char path[1100])
{
    size_t base = c->independent ? c->b : c->a;
    if (has_step(c, TRAIN) && !c->independent)
        snprintf(path, 1100, "%s/tuned-%zu.safetensors", e->folder, base);
    else
        snprintf(path, 1100, "%s", path_of(e, base));
}

static assay_status disguise(const struct evaluation *e, const struct case_of *c, const char *path,
                             struct assay_error *error)
{
    struct assay_disguise d = assay_disguise_default();
    struct assay_checkpoint source, other = {.count = 0};
    char layers[64] = "", from[1100];
    d.seed = c->seed;
    for (size_t i = 0; i < c->count; i++)
        set_step(e, c, i, &d, layers);
    source_of(e, c, from);
    ASSAY_TRY(assay_checkpoint_open(from, &source, error));
    assay_status status = ASSAY_OK;
    if (has_step(c, MERGE) || has_step(c, STACK)) {
        status = assay_checkpoint_open(path_of(e, c->b), &other, error);
        d.merge_with = &other;
    }
    if (status == ASSAY_OK)
        status = assay_lineage_disguise(&source, &d, path, error);
    assay_checkpoint_close(&other);
    assay_checkpoint_close(&source);
    return status;
}

static void evaluate_one(void *data, size_t i)
{
    const struct evaluation *e = data;
    struct case_of *c = &e->cases[i];
    char path[1100], path_pairs[1100];
    const struct assay_stage_sources sources = {.pairs = path_pairs};
    struct assay_checkpoint a, b;
    struct assay_lineage_comparison r;
    struct assay_error error;
    struct assay_context context = assay_context_default();
    struct assay_lineage_settings settings = assay_lineage_settings_default();
    context.threads = 1;
    snprintf(path, sizeof path, "%s/pair-%zu.safetensors", e->folder, i);
    assay_status status = disguise(e, c, path, &error);
    if (status == ASSAY_OK)
        status = assay_checkpoint_open(path_of(e, c->a), &a, &error);
    if (status == ASSAY_OK) {
        status = assay_checkpoint_open(path, &b, &error);
        if (status == ASSAY_OK) {
            status = assay_lineage_compare(&a, &b, &settings, &context, &r, &error);
            if (status == ASSAY_OK) {
                const char *tables = getenv("ASSAY_DATA");
                snprintf(path_pairs, sizeof path_pairs, "%s/stage_pairs.csv",
                         tables ? tables : "data");
                status = assay_lineage_refine_stages(&r, &a, &b, &sources, &context, &error);
                if (status == ASSAY_OK)
                    read_result(c, &r);
                assay_lineage_comparison_free(&r);
            }
            assay_checkpoint_close(&b);
        }
        assay_checkpoint_close(&a);
    }
    if (status != ASSAY_OK)
        assay_error_format(&error, c->message, sizeof c->message);
    unlink(path);
}

/* ---- drawing pairs ------------------------------------------------------------------- */

static size_t draw_base(const struct evaluation *e, struct assay_random *random, bool trained)
{
    size_t all = e->bank_count + (e->stories[0] && !trained);
    if (trained)
        return (size_t)assay_random_below(random, TUNED) * (e->bank_count / TUNED);
    return (size_t)assay_random_below(random, all);
}

/* Another seed of the same family; stories260K has none. */
static size_t draw_stranger(const struct evaluation *e, struct assay_random *random, size_t base)
{
    size_t other = base;
    while (other == base || e->bank[other].family != e->bank[base].family)
        other = (size_t)assay_random_below(random, e->bank_count);
    return other;
}

static void draw_steps(struct case_of *c, struct assay_random *random, size_t count)
{
    while (c->count < count) {
        enum step step = (enum step)assay_random_below(random, STEPS);
        bool fits = !(c->independent && (step == TRAIN || step == MERGE || step == STACK));
        for (size_t i = 0; i < c->count; i++)
            fits = fits && !excludes(c->list[i], step);
        if (!fits)
            continue;
        c->strength[c->count] = assay_random_uniform(random);
        c->list[c->count++] = step;
    }
}

static void draw_case(const struct evaluation *e, size_t i, uint64_t seed)
{
    struct case_of *c = &e->cases[i];
    struct assay_random random;
    size_t tenth = 10 * i / e->count;
    assay_random_start(&random, seed, 1000 + i);
    *c = (struct case_of){.independent = tenth < 4, .seed = seed * 100000 + i};
    if (c->independent)
        draw_steps(c, &random, i % 2 ? 1 + assay_random_below(&random, 3) : 0);
    else if (tenth < 7) {
        c->list[c->count] = (enum step)(i % STEPS);
        c->strength[c->count++] = assay_random_uniform(&random);
    } else
        draw_steps(c, &random, 3);
    bool merged = has_step(c, MERGE) || has_step(c, STACK);
    c->a = draw_base(e, &random, has_step(c, TRAIN));
    if ((c->independent || merged) && c->a >= e->bank_count)
        c->a = (size_t)assay_random_below(&random, e->bank_count);
    c->b = c->independent || merged ? draw_stranger(e, &random, c->a) : c->a;
}

/* ---- tables -------------------------------------------------------------------------- */

static void share(const char *name, size_t k, size_t n)
{
    double low = 0, high = 1, tail = log10(0.025);
    if (n == 0)
        return;
    if (k > 0)
        low = assay_stats_beta_quantile(tail, (double)k, (double)(n - k + 1), ASSAY_LOWER);
    if (k < n)
        high = assay_stats_beta_quantile(tail, (double)(k + 1), (double)(n - k), ASSAY_UPPER);
    printf("%-46s %5zu of %-5zu %7.2f%%  (%.2f to %.2f)\n", name, k, n, 100 * (double)k / (double)n,
           100 * low, 100 * high);
}

static void print_independent(const struct evaluation *e)
{
    static const double levels[] = {-1, -2, -3, FOUND};
    size_t n = 0;
    double agreement = 0;
    printf("\nIndependent models, same data, same tokenizer, other seeds\n");
    for (size_t l = 0; l < sizeof levels / sizeof levels[0]; l++) {
        size_t below = 0;
        char name[64];
        n = 0;
        for (size_t i = 0; i < e->count; i++) {
            const struct case_of *c = &e->cases[i];
            if (!c->independent || !c->done)
                continue;
            n++;
            below += c->log10_p <= levels[l];
            agreement = fmax(agreement, c->agreement);
        }
        snprintf(name, sizeof name, "p at or below 10^%g", levels[l]);
        share(name, below, n);
    }
    printf("largest share of units whose parts agree in any layer of any pair: %.3f\n", agreement);
}

static void print_single(const struct evaluation *e)
{
    size_t found_all = 0, named_all = 0, all = 0, all_named = 0;
    printf("\nOne disguise: related at 10^%g; its kind named\n", FOUND);
    for (int step = 0; step < STEPS; step++) {
        size_t n = 0, found = 0, expected = 0, named = 0;
        char text[80];
        double weakest = -1e9;
        for (size_t i = 0; i < e->count; i++) {
            const struct case_of *c = &e->cases[i];
            if (c->independent || c->count != 1 || (int)c->list[0] != step || !c->done)
                continue;
            n++;
            found += c->found;
            weakest = fmax(weakest, c->log10_p);
            expected += c->expected[0];
            named += c->expected[0] && c->named[0];
        }
        found_all += found;
        all += n;
        named_all += named;
        all_named += expected;
        snprintf(text, sizeof text, "%s (weakest 10^%.0f)", steps[step].name, weakest);
        share(text, found, n);
        share("   named", named, expected);
    }
    share("all", found_all, all);
    share("   named", named_all, all_named);
}

/* Which way finds what: the share of pairs that it alone would find at FOUND. */
static void print_methods(const struct evaluation *e)
{
    printf("\nFound by each way alone: as numbered; units, streams laid over; parts that agree\n");
    for (int step = 0; step < STEPS; step++) {
        size_t n = 0, found[METHODS] = {0};
        for (size_t i = 0; i < e->count; i++) {
            const struct case_of *c = &e->cases[i];
            if (c->independent || c->count != 1 || (int)c->list[0] != step || !c->done)
                continue;
            n++;
            for (int m = 0; m < METHODS; m++)
                found[m] += c->method[m] < FOUND;
        }
        printf("%-46s", steps[step].name);
        for (int m = 0; m < METHODS && n; m++)
            printf(" %5.1f%%", 100 * (double)found[m] / (double)n);
        printf("  of %zu\n", n);
    }
}

static void print_triples(const struct evaluation *e)
{
    size_t n = 0, found = 0, every = 0, steps_named = 0, steps_expected = 0;
    size_t missed[STEPS] = {0}, asked[STEPS] = {0};
    for (size_t i = 0; i < e->count; i++) {
        const struct case_of *c = &e->cases[i];
        bool all = true;
        if (c->independent || c->count != 3 || !c->done)
            continue;
        n++;
        found += c->found;
        for (size_t k = 0; k < 3; k++) {
            steps_expected += c->expected[k];
            steps_named += c->expected[k] && c->named[k];
            asked[c->list[k]] += c->expected[k];
            missed[c->list[k]] += c->expected[k] && !c->named[k];
            all = all && (!c->expected[k] || c->named[k]);
        }
        every += all;
    }
    printf("\nThree disguises\n");
    share("related", found, n);
    share("every step named that can be", every, n);
    share("steps named, of all", steps_named, steps_expected);
    for (int s = 0; s < STEPS; s++)
        if (missed[s])
            printf("   %-40s %zu of %zu not named\n", steps[s].name, missed[s], asked[s]);
}

static void print_failures(const struct evaluation *e)
{
    printf("\nNot as it should be (up to 60)\n");
    size_t shown = 0;
    for (size_t i = 0; i < e->count && shown < 60; i++) {
        const struct case_of *c = &e->cases[i];
        bool wrong = !c->done || c->found == c->independent;
        for (size_t k = 0; k < c->count; k++)
            wrong = wrong || (c->expected[k] && !c->named[k]);
        if (!wrong)
            continue;
        shown++;
        printf("%zu: %s%s", i, strrchr(path_of(e, c->a), '/') + 1,
               c->independent ? ", independent" : "");
        for (size_t k = 0; k < c->count; k++)
            printf(", %s %.2f", steps[c->list[k]].name, c->strength[k]);
        printf(": 10^%.1f%s %s\n", c->log10_p, c->kinds, c->message);
    }
}

/* ---- the whole ----------------------------------------------------------------------- */

static void train_one(void *data, size_t i)
{
    const struct evaluation *e = data;
    size_t base = i * (e->bank_count / TUNED);
    char path[1100];
    snprintf(path, sizeof path, "%s/tuned-%zu.safetensors", e->folder, base);
    if (access(path, R_OK) != 0)
        (void)(bank_tune(&e->bank[base], TUNE_STEPS, 77 + base, path, NULL) == ASSAY_OK);
}

static assay_status evaluate(struct evaluation *e, const struct assay_context *context,
                             uint64_t seed, struct assay_error *error)
{
    const char *shared = getenv("ASSAY_SHARED");
    snprintf(e->stories, sizeof e->stories, "%s/models/llama2c/stories260K.bin",
             shared ? shared : "../shared");
    if (access(e->stories, R_OK) != 0)
        e->stories[0] = 0;
    ASSAY_TRY(assay_parallel_for(context, NULL, TUNED, train_one, e, error));
    e->cases = calloc(e->count, sizeof *e->cases);
    if (!e->cases)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (size_t i = 0; i < e->count; i++)
        draw_case(e, i, seed);
    ASSAY_TRY(assay_parallel_for(context, NULL, e->count, evaluate_one, e, error));
    printf("%zu pairs, seed %llu, %zu trained models%s\n", e->count, (unsigned long long)seed,
           e->bank_count, e->stories[0] ? " and stories260K" : "; no stories260K here");
    print_independent(e);
    print_single(e);
    print_methods(e);
    print_triples(e);
    print_failures(e);
    free(e->cases);
    return ASSAY_OK;
}

int main(int argc, char **argv)
{
    struct evaluation e = {.count = argc > 2 ? strtoul(argv[2], NULL, 10) : 2000};
    struct bank_model *bank = NULL;
    struct assay_error error;
    struct assay_context context = assay_context_default();
    if (argc < 2 || e.count < 20 || e.count > 1000000) {
        fprintf(stderr, "usage: evaluate_lineage FOLDER [PAIRS [SEED]]\n");
        return 2;
    }
    e.folder = argv[1];
    assay_status status = bank_fill(&context, argv[1], &bank, &e.bank_count, &error);
    e.bank = bank;
    if (status == ASSAY_OK)
        status = evaluate(&e, &context, argc > 3 ? strtoul(argv[3], NULL, 10) : 1, &error);
    free(bank);
    if (status == ASSAY_OK)
        return 0;
    char text[1200];
    assay_error_format(&error, text, sizeof text);
    fprintf(stderr, "evaluate_lineage: %s\n", text);
    return 1;
}
