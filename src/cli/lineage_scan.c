/* SPDX-License-Identifier: Apache-2.0 */
/* assay lineage scan */
#include "cli/commands.h"

#include "base/json.h"

#include <assay/lineage.h>

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MOST_CANDIDATES 100000

struct candidate {
    char *path;
    double log10_p, cosine, seconds;
    const char *kind; /* of the first relation; static */
    char reason[256]; /* why it could not be compared; "" */
};

struct candidates {
    struct candidate *list;
    size_t count, room;
};

static bool may_be_checkpoint(const char *name)
{
    static const char *const endings[] = {".safetensors", ".gguf", ".onnx", ".pt",
                                          ".pth",         ".bin",  ".jit"};
    size_t length = strlen(name);
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        size_t n = strlen(endings[i]);
        if (length > n && strcmp(name + length - n, endings[i]) == 0)
            return true;
    }
    return false;
}

static assay_status no_memory(struct cli_call *call)
{
    return assay_error_at(&call->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

static assay_status add(struct cli_call *call, struct candidates *all, char *path)
{
    if (all->count == all->room) {
        size_t room = all->room ? 2 * all->room : 64;
        struct candidate *list = realloc(all->list, room * sizeof *list);
        if (!list || room > MOST_CANDIDATES) {
            free(path);
            all->list = list ? list : all->list;
            return no_memory(call);
        }
        all->list = list;
        all->room = room;
    }
    all->list[all->count++] = (struct candidate){.path = path};
    return ASSAY_OK;
}

/* Files of the folder, and of the folders in it. */
static assay_status list_folder(struct cli_call *call, const char *folder, int depth,
                                struct candidates *all)
{
    DIR *open = opendir(folder);
    assay_status status = ASSAY_OK;
    if (!open)
        return assay_error_at(&call->error, ASSAY_ERROR_IO, folder, 0, "cannot list this folder");
    for (struct dirent *e = readdir(open); e && status == ASSAY_OK; e = readdir(open)) {
        struct stat info;
        size_t size = strlen(folder) + strlen(e->d_name) + 2;
        char *path = e->d_name[0] == '.' ? NULL : malloc(size);
        if (!path)
            continue;
        snprintf(path, size, "%s/%s", folder, e->d_name);
        if (stat(path, &info) == 0 && S_ISREG(info.st_mode) && may_be_checkpoint(e->d_name)) {
            status = add(call, all, path);
            continue;
        }
        if (S_ISDIR(info.st_mode) && depth < 3)
            status = list_folder(call, path, depth + 1, all);
        free(path);
    }
    closedir(open);
    return status;
}

/* Relations are named by literals, which outlive the comparison. */
static void compare(struct cli_call *call, const struct assay_checkpoint *suspect,
                    struct candidate *c)
{
    struct assay_lineage_settings settings = assay_lineage_settings_default();
    struct assay_lineage_comparison r;
    struct assay_checkpoint other;
    struct assay_error error;
    c->log10_p = 0;
    if (assay_checkpoint_open(c->path, &other, &error) != ASSAY_OK) {
        snprintf(c->reason, sizeof c->reason, "%.250s", error.message);
        return;
    }
    settings.most_units = 128;
    if (assay_lineage_compare(suspect, &other, &settings, &call->context, &r, &error) == ASSAY_OK) {
        c->log10_p = r.log10_p;
        c->cosine = r.cosine;
        c->seconds = r.seconds;
        c->kind = r.relation_count ? r.relations[0].kind : NULL;
        assay_lineage_comparison_free(&r);
    } else {
        snprintf(c->reason, sizeof c->reason, "%.250s", error.message);
    }
    assay_checkpoint_close(&other);
}

static int by_p(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->log10_p != y->log10_p)
        return x->log10_p < y->log10_p ? -1 : 1;
    return strcmp(x->path, y->path);
}

static json_t *to_json(const struct cli_call *call, const struct candidates *all)
{
    json_t *object = json_object(), *list = json_array();
    for (size_t i = 0; i < all->count; i++) {
        const struct candidate *c = &all->list[i];
        json_t *o = json_object();
        json_set_text(o, "path", c->path);
        json_set_number(o, "log10_p", c->log10_p);
        json_set_text(o, "relation", c->kind);
        json_set_number(o, "cosine", c->cosine);
        json_set_number(o, "seconds", c->seconds);
        if (c->reason[0])
            json_set_text(o, "reason", c->reason);
        json_array_append_new(list, o);
    }
    json_set_text(object, "suspect", call->positional[0]);
    json_object_set_new(object, "candidates", list);
    return object;
}

static void print(const struct candidates *all)
{
    for (size_t i = 0; i < all->count; i++) {
        const struct candidate *c = &all->list[i];
        printf("p = 10^%-9.1f %-22s %s%s%s\n", c->log10_p, c->kind ? c->kind : "-", c->path,
               c->reason[0] ? "   not compared: " : "", c->reason);
    }
}

static assay_status scan(struct cli_call *call, const struct assay_checkpoint *suspect,
                         struct candidates *all)
{
    ASSAY_TRY(list_folder(call, call->positional[1], 0, all));
    for (size_t i = 0; i < all->count; i++) {
        const struct assay_context *context = &call->context;
        if (context->progress &&
            !context->progress(context->progress_user, "checkpoints", i, all->count))
            return assay_error_at(&call->error, ASSAY_ERROR_INTERRUPTED, NULL, 0, "interrupted");
        compare(call, suspect, &all->list[i]);
    }
    if (all->count > 0)
        qsort(all->list, all->count, sizeof *all->list, by_p);
    if (call->json)
        return cli_print_json(call, to_json(call, all));
    print(all);
    return cli_finish_output(call);
}

static assay_status run_command(struct cli_call *call)
{
    struct assay_checkpoint suspect;
    struct candidates all = {NULL, 0, 0};
    ASSAY_TRY(assay_checkpoint_open(call->positional[0], &suspect, &call->error));
    assay_status status = scan(call, &suspect, &all);
    for (size_t i = 0; i < all.count; i++)
        free(all.list[i].path);
    free(all.list);
    assay_checkpoint_close(&suspect);
    return status;
}

const struct cli_command cli_lineage_scan = {
    .room = "lineage",
    .verb = "scan",
    .arguments = "SUSPECT DIR",
    .summary = "Compare a checkpoint with every one in a folder, the likeliest kin first",
    .text = "Looks through DIR and the folders in it for checkpoint files and compares each with\n"
            "SUSPECT on up to 128 units an axis. The p-values are each file's own: with many\n"
            "files, multiply by their number.\n",
    .least = 2,
    .most = 2,
    .run = run_command,
};
