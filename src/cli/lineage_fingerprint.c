/* SPDX-License-Identifier: Apache-2.0 */
/* assay lineage fingerprint: a few kilobytes of each checkpoint, for `scan`. */
#include "cli/commands.h"

#include "base/folder.h"
#include "base/json.h"

#include <assay/lineage.h>

#include <string.h>
#include <sys/stat.h>

struct made {
    char *name, *path;
    size_t bytes, axes;
};

static assay_status no_memory(struct cli_call *call)
{
    return assay_error_at(&call->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

/* Names that say nothing of the model: its folder's name is taken instead. */
static bool is_common(const char *name)
{
    static const char *const common[] = {"model", "pytorch_model", "consolidated", "checkpoint",
                                         "weights"};
    for (size_t i = 0; i < sizeof common / sizeof common[0]; i++)
        if (strncmp(name, common[i], strlen(common[i])) == 0)
            return true;
    return false;
}

static const char *last_part(const char *path, size_t *length)
{
    size_t end = strlen(path), start;
    while (end > 1 && path[end - 1] == '/')
        end--;
    for (start = end; start > 0 && path[start - 1] != '/'; start--)
        ;
    *length = end - start;
    return path + start;
}

/* "some/folder/NAME.gguf" or "NAME/model.safetensors": NAME. */
static char *name_of(struct assay_arena *arena, const char *path)
{
    size_t length;
    struct stat info;
    const char *last = last_part(path, &length);
    char *name = assay_arena_copy_bytes(arena, last, length);
    bool folder = stat(path, &info) == 0 && S_ISDIR(info.st_mode);
    char *dot = name && !folder ? strrchr(name, '.') : NULL;
    if (dot && dot != name)
        *dot = '\0';
    if (!name || folder || !is_common(name) || last == path)
        return name;
    char *above = assay_arena_copy_bytes(arena, path, (size_t)(last - path));
    if (!above)
        return NULL;
    last = last_part(above, &length);
    return length > 0 && last[0] != '.' && last[0] != '/'
               ? assay_arena_copy_bytes(arena, last, length)
               : name;
}

static assay_status make(struct cli_call *call, const char *from, struct made *made)
{
    struct assay_checkpoint checkpoint;
    struct assay_sketch sketch;
    ASSAY_TRY(assay_checkpoint_open(from, &checkpoint, &call->error));
    assay_status status =
        assay_lineage_sketch(&checkpoint, made->name, &call->context, &sketch, &call->error);
    assay_checkpoint_close(&checkpoint);
    ASSAY_TRY(status);
    made->axes = sketch.axis_count;
    return assay_sketch_write(&sketch, made->path, &made->bytes, &call->error);
}

/* All names before the first file, so that twins are refused before anything is written. */
static assay_status name_all(struct cli_call *call, struct assay_arena *arena, const char *folder,
                             struct made *made)
{
    for (size_t i = 0; i < call->positionals; i++) {
        made[i].name = name_of(arena, call->positional[i]);
        made[i].path =
            made[i].name ? assay_arena_print(arena, "%s/%s.sketch", folder, made[i].name) : NULL;
        if (!made[i].path)
            return no_memory(call);
        for (size_t k = 0; k < i; k++)
            if (strcmp(made[i].name, made[k].name) == 0)
                return assay_error_at(&call->error, ASSAY_ERROR_INPUT, call->positional[i], 0,
                                      "%.200s would have the same name: give one --out folder each",
                                      call->positional[k]);
    }
    return ASSAY_OK;
}

static assay_status make_all(struct cli_call *call, struct assay_arena *arena, struct made *made)
{
    const char *folder = call->value[0] ? call->value[0] : ".";
    const struct assay_context *context = &call->context;
    ASSAY_TRY(name_all(call, arena, folder, made));
    ASSAY_TRY(folder_make(folder, &call->error));
    for (size_t i = 0; i < call->positionals; i++) {
        if (context->progress &&
            !context->progress(context->progress_user, "checkpoints", i, call->positionals))
            return assay_error_at(&call->error, ASSAY_ERROR_INTERRUPTED, NULL, 0, "interrupted");
        ASSAY_TRY(make(call, call->positional[i], &made[i]));
    }
    return ASSAY_OK;
}

static assay_status print(struct cli_call *call, const struct made *made)
{
    json_t *object = json_object(), *list = json_array();
    for (size_t i = 0; i < call->positionals; i++) {
        json_t *o = json_object();
        json_set_text(o, "name", made[i].name);
        json_set_text(o, "path", made[i].path);
        json_set_number(o, "bytes", (double)made[i].bytes);
        json_set_number(o, "axes", (double)made[i].axes);
        json_array_append_new(list, o);
        if (!call->json)
            cli_say("%s: %zu axes, %.1f KB%s\n", made[i].path, made[i].axes,
                    (double)made[i].bytes / 1000,
                    made[i].axes ? ""
                                 : "; no axis of interchangeable units: nothing will match it");
    }
    json_object_set_new(object, "fingerprints", list);
    if (call->json)
        return cli_print_json(call, object);
    json_decref(object);
    return cli_finish_output(call);
}

static assay_status run_command(struct cli_call *call)
{
    struct assay_arena *arena = assay_arena_new();
    struct made *made = arena ? assay_arena_alloc(arena, call->positionals, sizeof *made) : NULL;
    assay_status status = made ? make_all(call, arena, made) : no_memory(call);
    if (status == ASSAY_OK)
        status = print(call, made);
    assay_arena_free(arena);
    return status;
}

const struct cli_command cli_lineage_fingerprint = {
    .room = "lineage",
    .verb = "fingerprint",
    .arguments = "CHECKPOINT...",
    .summary = "Write a few kilobytes of each checkpoint, for scan",
    .text =
        "The signs of 128 coordinates of 64 hidden units along up to eight axes, about 8 KB:\n"
        "NAME.sketch for each checkpoint. `assay lineage scan` takes such files where it takes\n"
        "checkpoints, and the same exact test is made on them. No weight can be had back from a\n"
        "fingerprint; it shows the model's shapes.\n",
    .least = 1,
    .most = CLI_MOST_POSITIONALS,
    .options = {{"out", "DIR", "where to; default here"}},
    .run = run_command,
};
