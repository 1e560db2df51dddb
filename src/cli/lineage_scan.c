/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assay lineage scan: a suspect against every checkpoint and fingerprint in a folder. Fingerprints
 * come first and all at once, for they cost next to nothing; then the checkpoints.
 */
#include "cli/commands.h"

#include "base/json.h"

#include <assay/lineage.h>

#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MOST_CANDIDATES 100000

#define SIGNIFICANT -6.0 /* log10 p from which a fingerprint is called related */

struct candidate {
    char *path;
    bool sketch;                     /* a fingerprint, not a checkpoint */
    double log10_p, cosine, seconds; /* NaN where there is none */
    size_t tests;
    const char *kind; /* of the first relation; static */
    char reason[256]; /* why it could not be compared; "" */
};

/* What is compared: always as a sketch; with its weights too where they are there and wanted. */
struct suspect {
    struct assay_sketch sketch;
    struct assay_checkpoint checkpoint;
    bool has_weights, quick;
};

struct candidates {
    struct candidate *list;
    size_t count, room;
};

static bool ends_in(const char *name, const char *ending)
{
    size_t length = strlen(name), n = strlen(ending);
    return length > n && strcmp(name + length - n, ending) == 0;
}

static bool may_be_checkpoint(const char *name)
{
    static const char *const endings[] = {".safetensors", ".gguf", ".onnx", ".pt",
                                          ".pth",         ".bin",  ".jit",  ".sketch"};
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
        if (ends_in(name, endings[i]))
            return true;
    return false;
}

static assay_status no_memory(struct cli_call *call)
{
    return assay_error_at(&call->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

static assay_status add(struct cli_call *call, struct candidates *all, char *path)
{
    if (all->count == MOST_CANDIDATES) {
        free(path);
        return assay_error_at(&call->error, ASSAY_ERROR_LIMIT, NULL, 0,
                              "more than %d checkpoints in the folder: scan its parts one by one",
                              MOST_CANDIDATES);
    }
    if (all->count == all->room) {
        size_t room = all->room ? 2 * all->room : 64;
        struct candidate *list = realloc(all->list, room * sizeof *list);
        if (!list) {
            free(path);
            return no_memory(call);
        }
        all->list = list;
        all->room = room;
    }
    all->list[all->count++] = (struct candidate){
        .path = path, .sketch = ends_in(path, ".sketch"), .log10_p = NAN, .cosine = NAN};
    return ASSAY_OK;
}

/* How the files of a folder hang together. */
struct folder {
    const char *path;
    int depth;
    bool indexed; /* an index stands for its parts */
    bool one;     /* the folder stands for one file, so that parts beside it are files like any */
    bool listed;  /* the folder is a candidate */
};

static bool has_one_of(const char *folder, const char *const names[2])
{
    for (size_t i = 0; i < 2; i++) {
        char path[4200];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        if (access(path, F_OK) == 0)
            return true;
    }
    return false;
}

/* The folder itself, for what lies in it in parts. */
static assay_status add_folder(struct cli_call *call, struct folder *folder, struct candidates *all)
{
    char *itself = folder->listed ? NULL : strdup(folder->path);
    if (folder->listed)
        return ASSAY_OK;
    folder->listed = true;
    return itself ? add(call, all, itself) : no_memory(call);
}

/* A checkpoint: a file, or the folder for all parts in it, or the first part of a split GGUF. */
static assay_status add_file(struct cli_call *call, const char *name, char *path,
                             struct folder *folder, struct candidates *all)
{
    size_t stem;
    unsigned long part, count;
    if (!assay_checkpoint_part(name, &stem, &part, &count) || folder->one)
        return add(call, all, path);
    if (ends_in(name, ".gguf") && part == 1)
        return add(call, all, path);
    free(path);
    return ends_in(name, ".gguf") || folder->indexed ? ASSAY_OK : add_folder(call, folder, all);
}

static assay_status list_folder(struct cli_call *call, const char *folder, int depth,
                                struct candidates *all);

/* Takes `path`. What looks like a checkpoint but cannot be read is listed with the reason later. */
static assay_status list_entry(struct cli_call *call, const char *name, char *path,
                               struct folder *folder, struct candidates *all)
{
    struct stat info;
    bool there = stat(path, &info) == 0;
    assay_status status = ASSAY_OK;
    if (there && S_ISDIR(info.st_mode)) {
        if (folder->depth < 3 && access(path, R_OK | X_OK) == 0)
            status = list_folder(call, path, folder->depth + 1, all);
    } else if ((!there || S_ISREG(info.st_mode)) && may_be_checkpoint(name)) {
        return add_file(call, name, path, folder, all);
    }
    free(path);
    return status;
}

/*
 * Files of the folder, and of the folders in it; a checkpoint in parts is one candidate, by its
 * folder, or by its first part where it is a split GGUF file.
 */
static assay_status list_folder(struct cli_call *call, const char *path, int depth,
                                struct candidates *all)
{
    static const char *const indices[] = {"model.safetensors.index.json",
                                          "pytorch_model.bin.index.json"};
    static const char *const ones[] = {"model.safetensors", "pytorch_model.bin"};
    struct folder folder = {.path = path, .depth = depth, .indexed = has_one_of(path, indices)};
    DIR *open = opendir(path);
    assay_status status = ASSAY_OK;
    if (!open)
        return assay_error_at(&call->error, ASSAY_ERROR_IO, path, 0, "cannot list this folder");
    folder.one = !folder.indexed && has_one_of(path, ones);
    if (folder.indexed)
        status = add_folder(call, &folder, all);
    for (struct dirent *e = readdir(open); e && status == ASSAY_OK; e = readdir(open)) {
        size_t size = strlen(path) + strlen(e->d_name) + 2;
        char *entry = e->d_name[0] == '.' ? NULL : malloc(size);
        if (!entry)
            continue;
        snprintf(entry, size, "%s/%s", path, e->d_name);
        status = list_entry(call, e->d_name, entry, &folder, all);
    }
    closedir(open);
    return status;
}

/* ---- comparing ----------------------------------------------------------------------- */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void compare_sketches(const struct suspect *suspect, const struct assay_sketch *other,
                             struct candidate *c)
{
    struct assay_sketch_likeness l = assay_lineage_sketches_compare(&suspect->sketch, other);
    c->tests = l.tests;
    if (l.tests == 0) {
        snprintf(c->reason, sizeof c->reason, "no axis of one role and shape in both");
        return;
    }
    c->log10_p = l.log10_p;
    c->kind = l.log10_p < SIGNIFICANT ? "related" : NULL;
}

struct sketching {
    const struct suspect *suspect;
    struct candidates *all;
};

static void compare_sketch_file(void *data, size_t i)
{
    const struct sketching *s = data;
    struct candidate *c = &s->all->list[i];
    struct assay_sketch other;
    struct assay_error error;
    double start = now();
    if (!c->sketch)
        return;
    if (assay_sketch_read(c->path, &other, &error) == ASSAY_OK)
        compare_sketches(s->suspect, &other, c);
    else
        snprintf(c->reason, sizeof c->reason, "%.250s", error.message);
    c->seconds = now() - start;
}

/* Relations are named by literals, which outlive the comparison. */
static assay_status compare_weights(struct cli_call *call, const struct suspect *suspect,
                                    const struct assay_checkpoint *other, struct candidate *c,
                                    struct assay_error *error)
{
    struct assay_lineage_settings settings = assay_lineage_settings_default();
    struct assay_lineage_comparison r;
    settings.most_units = 128;
    ASSAY_TRY(
        assay_lineage_compare(&suspect->checkpoint, other, &settings, &call->context, &r, error));
    char pairs[4200];
    snprintf(pairs, sizeof pairs, "%s/stage_pairs.csv", call->data_folder);
    const struct assay_stage_sources sources = {.pairs = pairs};
    assay_status status = ASSAY_OK;
    if (r.log10_p < SIGNIFICANT) /* how far training was shared */
        status = assay_lineage_refine_stages(&r, &suspect->checkpoint, other, &sources,
                                             &call->context, error);
    c->log10_p = r.tests > 0 ? r.log10_p : (double)NAN;
    c->tests = r.tests;
    c->cosine = r.cosine;
    c->kind = r.relation_count ? r.relations[0].kind : NULL;
    if (r.tests == 0)
        snprintf(c->reason, sizeof c->reason,
                 "no units of a tensor with numbers in both, of one length");
    assay_lineage_comparison_free(&r);
    return status;
}

static assay_status sketch_and_compare(struct cli_call *call, const struct suspect *suspect,
                                       const struct assay_checkpoint *other, struct candidate *c,
                                       struct assay_error *error)
{
    struct assay_sketch sketch;
    ASSAY_TRY(assay_lineage_sketch(other, "", &call->context, &sketch, error));
    compare_sketches(suspect, &sketch, c);
    return ASSAY_OK;
}

static void compare(struct cli_call *call, const struct suspect *suspect, struct candidate *c)
{
    struct assay_checkpoint other;
    struct assay_error error;
    double start = now();
    assay_status status = assay_checkpoint_open(c->path, &other, &error);
    if (status == ASSAY_OK) {
        status = suspect->has_weights && !suspect->quick
                     ? compare_weights(call, suspect, &other, c, &error)
                     : sketch_and_compare(call, suspect, &other, c, &error);
        assay_checkpoint_close(&other);
    }
    if (status != ASSAY_OK) {
        snprintf(c->reason, sizeof c->reason, "%.250s", error.message);
        c->log10_p = NAN;
    }
    c->seconds = now() - start;
}

/* ---- telling ------------------------------------------------------------------------- */

/* What has no p-value comes last, but what is known to be the same before all. */
static double rank(const struct candidate *c)
{
    return !isnan(c->log10_p) ? c->log10_p : c->kind ? -(double)INFINITY : (double)INFINITY;
}

static int by_p(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (rank(x) != rank(y))
        return rank(x) < rank(y) ? -1 : 1;
    return strcmp(x->path, y->path);
}

static const char *by(const struct suspect *suspect, const struct candidate *c)
{
    return c->sketch || suspect->quick || !suspect->has_weights ? "fingerprint" : "weights";
}

static const char nothing[] = "none of the candidates could be compared with the suspect";

static bool is_answered(const struct candidates *all)
{
    for (size_t i = 0; i < all->count; i++)
        if (isfinite(all->list[i].log10_p) || all->list[i].kind)
            return true;
    return false;
}

static json_t *to_json(const struct cli_call *call, const struct suspect *suspect,
                       const struct candidates *all)
{
    json_t *object = json_object(), *list = json_array();
    for (size_t i = 0; i < all->count; i++) {
        const struct candidate *c = &all->list[i];
        json_t *o = json_object();
        json_set_text(o, "path", c->path);
        json_set_number(o, "log10_p", c->log10_p);
        json_set_text(o, "by", by(suspect, c));
        json_set_number(o, "tests", (double)c->tests);
        json_set_text(o, "relation", c->kind);
        json_set_number(o, "cosine", c->cosine);
        json_set_number(o, "seconds", c->seconds);
        if (c->reason[0])
            json_set_text(o, "reason", c->reason);
        json_array_append_new(list, o);
    }
    json_set_text(object, "suspect", call->positional[0]);
    json_object_set_new(object, "candidates", list);
    if (!is_answered(all))
        json_set_text(object, "reason", nothing);
    return object;
}

static void print(const struct suspect *suspect, const struct candidates *all)
{
    for (size_t i = 0; i < all->count; i++) {
        const struct candidate *c = &all->list[i];
        char p[24] = "-";
        if (!isnan(c->log10_p))
            snprintf(p, sizeof p, "p = 10^%.1f", c->log10_p);
        cli_say("%-15s %-22s by %-12s %s%s%s\n", p, c->kind ? c->kind : "-", by(suspect, c),
                c->path, c->reason[0] ? "   no p-value: " : "", c->reason);
    }
}

/* ---- the command --------------------------------------------------------------------- */

static assay_status scan(struct cli_call *call, const struct suspect *suspect,
                         struct candidates *all)
{
    const struct assay_context *context = &call->context;
    struct sketching sketching = {suspect, all};
    ASSAY_TRY(list_folder(call, call->positional[1], 0, all));
    ASSAY_TRY(assay_parallel_for(context, NULL, all->count, compare_sketch_file, &sketching,
                                 &call->error));
    for (size_t i = 0; i < all->count; i++) {
        if (context->progress &&
            !context->progress(context->progress_user, "checkpoints", i, all->count))
            return assay_error_at(&call->error, ASSAY_ERROR_INTERRUPTED, NULL, 0, "interrupted");
        if (!all->list[i].sketch)
            compare(call, suspect, &all->list[i]);
    }
    if (all->count > 0)
        qsort(all->list, all->count, sizeof *all->list, by_p);
    if (all->count == 0)
        return assay_error_at(
            &call->error, ASSAY_ERROR_UNANSWERABLE, call->positional[1], 0,
            "no checkpoint or fingerprint is in this folder or the folders in it");
    if (call->json) {
        ASSAY_TRY(cli_print_json(call, to_json(call, suspect, all)));
    } else {
        print(suspect, all);
        ASSAY_TRY(cli_finish_output(call));
    }
    call->answered = true;
    return is_answered(all)
               ? ASSAY_OK
               : assay_error_at(&call->error, ASSAY_ERROR_UNANSWERABLE, NULL, 0, "%s", nothing);
}

static assay_status open_suspect(struct cli_call *call, struct suspect *s)
{
    const char *path = call->positional[0];
    if (ends_in(path, ".sketch"))
        return assay_sketch_read(path, &s->sketch, &call->error);
    ASSAY_TRY(assay_checkpoint_open(path, &s->checkpoint, &call->error));
    s->has_weights = true;
    return assay_lineage_sketch(&s->checkpoint, "", &call->context, &s->sketch, &call->error);
}

static assay_status run_command(struct cli_call *call)
{
    struct suspect suspect = {.quick = call->value[0] != NULL};
    struct candidates all = {NULL, 0, 0};
    assay_status status = open_suspect(call, &suspect);
    if (status == ASSAY_OK)
        status = scan(call, &suspect, &all);
    for (size_t i = 0; i < all.count; i++)
        free(all.list[i].path);
    free(all.list);
    assay_checkpoint_close(&suspect.checkpoint);
    return status;
}

const struct cli_command cli_lineage_scan = {
    .room = "lineage",
    .verb = "scan",
    .arguments = "SUSPECT DIR",
    .summary = "Compare a checkpoint with every one in a folder, the likeliest kin first",
    .text =
        "Looks through DIR and the folders in it for checkpoints and fingerprints (NAME.sketch,\n"
        "by `assay lineage fingerprint`) and compares each with SUSPECT, which may be either.\n"
        "A checkpoint in parts is one, by its folder. What cannot be read or compared is listed\n"
        "last, with the reason and no p-value; if that is all there is, the exit status is 1.\n"
        "Weights are compared as `compare` does, on up to 128 units an axis; a fingerprint by its\n"
        "signs alone, which finds what keeps its units' numbers and nothing behind a disguise.\n"
        "The p-values are each file's own: with many files, multiply by their number.\n",
    .least = 2,
    .most = 2,
    .options = {{"quick", NULL, "checkpoints too by fingerprints, made in passing and not kept"}},
    .run = run_command,
};
