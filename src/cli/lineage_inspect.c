/* SPDX-License-Identifier: Apache-2.0 */
/* assay lineage inspect */
#include "cli/commands.h"

#include "base/json.h"

#include <assay/lineage.h>

#include <math.h>
#include <string.h>

/* What is said of a checkpoint beside its tensors. */
struct about {
    const struct assay_checkpoint *c;
    struct assay_checkpoint_summary summary;
    char tokenizer[4200];              /* "": none found */
    struct assay_vocabulary pieces;    /* of it */
    bool digests;                      /* of tensors, as asked */
    char (*files)[65], (*tensors)[65]; /* SHA-256; files: NULL if not asked for */
};

/* ---- digests --------------------------------------------------------------------------- */

struct digesting {
    const struct about *about;
    size_t files;
};

static void digest_one(void *user, size_t i)
{
    const struct digesting *d = user;
    const struct assay_checkpoint *c = d->about->c;
    if (i < d->files)
        assay_sha256_bytes(c->files[i].bytes, c->files[i].size, d->about->files[i]);
    else if (c->tensors[i - d->files].bytes)
        assay_sha256_bytes(c->tensors[i - d->files].bytes, c->tensors[i - d->files].size,
                           d->about->tensors[i - d->files]);
}

static assay_status digest(struct cli_call *call, struct about *a)
{
    struct digesting d = {a, a->c->file_count};
    struct assay_arena *arena = a->summary.arena;
    a->files = assay_arena_alloc(arena, a->c->file_count, sizeof *a->files);
    a->tensors = assay_arena_alloc(arena, a->c->count, sizeof *a->tensors);
    if (!a->files || !a->tensors)
        return assay_error_at(&call->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    return assay_parallel_for(&call->context, "digests", d.files + (a->digests ? a->c->count : 0),
                              digest_one, &d, &call->error);
}

/* ---- text and JSON -------------------------------------------------------------------- */

/* Of a shard: what its tensors say. */
static const char *path_of(const struct assay_checkpoint *c, size_t file)
{
    const unsigned char *start = c->files[file].bytes;
    for (size_t i = 0; i < c->count && c->file_count > 1; i++)
        if (c->tensors[i].bytes >= start && c->tensors[i].bytes < start + c->files[file].size)
            return c->tensors[i].file;
    return c->path;
}

static void shape_text(const struct assay_tensor *t, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < t->rank && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%llu", i ? "x" : "",
                                 (unsigned long long)t->shape[i]);
    if (t->rank == 0)
        snprintf(text, size, "scalar");
}

static json_t *tensor_json(const struct about *a, size_t i)
{
    const struct assay_tensor *t = &a->c->tensors[i];
    json_t *object = json_object(), *shape = json_array();
    for (int k = 0; k < t->rank; k++)
        json_array_append_new(shape, json_integer((json_int_t)t->shape[k]));
    json_set_text(object, "name", t->name);
    json_set_text(object, "role", a->summary.roles[i]);
    json_set_text(object, "dtype", assay_dtype_name(t->dtype));
    json_set_text(object, "stored_as", t->stored_as);
    json_object_set_new(object, "shape", shape);
    json_object_set_new(object, "offset", json_integer((json_int_t)t->offset));
    json_object_set_new(object, "bytes", json_integer((json_int_t)t->size));
    if (a->c->file_count > 1)
        json_set_text(object, "file", t->file);
    if (a->digests && t->bytes)
        json_set_text(object, "sha256", a->tensors[i]);
    if (t->unreadable)
        json_set_text(object, "unreadable", t->unreadable);
    return object;
}

static json_t *architecture_json(const struct assay_checkpoint_summary *s)
{
    json_t *object = json_object();
    json_set_text(object, "family", s->family[0] ? s->family : NULL);
    json_set_text(object, "family_from", s->family_from);
    for (size_t k = 0; k < ASSAY_KEY_COUNT; k++)
        json_set_number(object, assay_configuration_key_name((enum assay_configuration_key)k),
                        s->configuration.value[k]);
    json_object_set_new(object, "experts", json_integer((json_int_t)s->experts));
    json_object_set_new(object, "roles_from", json_string(s->by_shape ? "shapes" : "names"));
    return object;
}

static json_t *tokenizer_json(const struct about *a)
{
    if (!a->tokenizer[0])
        return json_null();
    json_t *object = json_object();
    json_set_text(object, "path", a->tokenizer);
    json_set_text(object, "format", a->pieces.format);
    json_object_set_new(object, "pieces", json_integer((json_int_t)a->pieces.count));
    json_object_set_new(object, "merges", json_integer((json_int_t)a->pieces.merge_count));
    return object;
}

static json_t *to_json(const struct about *a)
{
    const struct assay_checkpoint *c = a->c;
    json_t *object = json_object(), *tensors = json_array(), *notes = json_object();
    json_t *files = json_array();
    for (size_t i = 0; i < c->count; i++)
        json_array_append_new(tensors, tensor_json(a, i));
    for (size_t i = 0; i < c->note_count; i++)
        json_set_text(notes, c->notes[i].key, c->notes[i].value);
    for (size_t i = 0; i < c->file_count; i++) {
        json_t *file = json_object();
        json_set_text(file, "path", path_of(c, i));
        json_object_set_new(file, "bytes", json_integer((json_int_t)c->files[i].size));
        json_set_text(file, "sha256", a->files[i]);
        json_array_append_new(files, file);
    }
    json_set_text(object, "path", c->path);
    json_set_text(object, "format", c->format);
    json_set_text(object, "sha256", c->file_count == 1 ? a->files[0] : NULL);
    json_object_set_new(object, "files", files);
    json_object_set_new(object, "file_bytes", json_integer((json_int_t)c->file_bytes));
    json_object_set_new(object, "parameters", json_integer((json_int_t)a->summary.parameters));
    json_object_set_new(object, "architecture", architecture_json(&a->summary));
    json_object_set_new(object, "tokenizer", tokenizer_json(a));
    json_object_set_new(object, "notes", notes);
    json_object_set_new(object, "tensors", tensors);
    return object;
}

static void print_architecture(const struct about *a)
{
    const struct assay_checkpoint_summary *s = &a->summary;
    cli_say("  %llu parameters", (unsigned long long)s->parameters);
    if (s->family[0])
        cli_say("; family %s (by %s)", s->family, s->family_from);
    for (size_t k = 0; k < ASSAY_KEY_COUNT; k++)
        if (!isnan(s->configuration.value[k]))
            cli_say("; %s %.10g", assay_configuration_key_name((enum assay_configuration_key)k),
                    s->configuration.value[k]);
    if (s->experts)
        cli_say("; %llu experts a layer", (unsigned long long)s->experts);
    cli_say("\n");
    if (a->tokenizer[0])
        cli_say("  tokenizer %s: %s, %zu pieces, %zu merges\n", a->tokenizer, a->pieces.format,
                a->pieces.count, a->pieces.merge_count);
    if (s->by_shape)
        cli_say("  names say nothing of what tensors do: roles are what shapes allow\n");
}

static void print(const struct about *a)
{
    char shape[160];
    const struct assay_checkpoint *c = a->c;
    cli_say("%s: %s, %zu tensors, %llu bytes\n", c->path, c->format, c->count,
            (unsigned long long)c->file_bytes);
    print_architecture(a);
    for (size_t i = 0; a->digests && i < c->file_count; i++)
        cli_say("  sha256 %s %s\n", a->files[i], path_of(c, i));
    for (size_t i = 0; i < c->note_count; i++)
        cli_say("  %s = %.200s\n", c->notes[i].key, c->notes[i].value);
    for (size_t i = 0; i < c->count; i++) {
        const struct assay_tensor *t = &c->tensors[i];
        shape_text(t, shape, sizeof shape);
        cli_say("  %-11s %-20s %-16s %s%s%s%s%s\n",
                t->dtype == ASSAY_DTYPE_OTHER ? t->stored_as : assay_dtype_name(t->dtype), shape,
                a->summary.roles[i], a->digests && t->bytes ? a->tensors[i] : "",
                a->digests && t->bytes ? " " : "", t->name, t->unreadable ? "   not read: " : "",
                t->unreadable ? t->unreadable : "");
    }
}

/* ---- the command ------------------------------------------------------------------------ */

static assay_status inspect(struct cli_call *call, struct about *a)
{
    if (assay_vocabulary_find(call->positional[0], a->tokenizer, sizeof a->tokenizer)) {
        assay_status status = assay_vocabulary_read(a->tokenizer, &a->pieces, &call->error);
        if (status != ASSAY_OK && strcmp(a->c->format, "gguf") != 0)
            return status;
        if (status != ASSAY_OK) /* a GGUF file need not hold a vocabulary */
            a->tokenizer[0] = '\0';
    } else {
        a->tokenizer[0] = '\0';
    }
    if (call->json || a->digests)
        ASSAY_TRY(digest(call, a));
    if (call->json)
        return cli_print_json(call, to_json(a));
    print(a);
    return cli_finish_output(call);
}

static assay_status run_command(struct cli_call *call)
{
    struct assay_checkpoint c;
    struct about a = {.c = &c, .digests = call->value[0] != NULL};
    ASSAY_TRY(assay_checkpoint_open(call->positional[0], &c, &call->error));
    assay_status status =
        assay_checkpoint_summarise(call->positional[0], &c, &a.summary, &call->error);
    if (status == ASSAY_OK) {
        status = inspect(call, &a);
        assay_vocabulary_free(&a.pieces);
        assay_checkpoint_summary_free(&a.summary);
    }
    assay_checkpoint_close(&c);
    return status;
}

const struct cli_command cli_lineage_inspect = {
    .room = "lineage",
    .verb = "inspect",
    .arguments = "CHECKPOINT",
    .summary = "Say what a checkpoint is, and list its tensors",
    .text =
        "Reads safetensors (shards by their index.json, their folder or their names), GGUF, ONNX,\n"
        "a PyTorch zip or llama2.c. Says the family, sizes and number of parameters as far as a "
        "config.json,\n"
        "keys, names and shapes tell them, and which tokenizer lies inside or beside; then the\n"
        "file's own description, and each tensor with its type, shape and what it does in the\n"
        "model. Where names are hidden, that is what shapes allow (\"gate or up\"). A tensor of a\n"
        "type that Assay does not decode is listed with the reason. Nothing in the file is run.\n"
        "With --json the SHA-256 of each file is given.\n",
    .least = 1,
    .most = 1,
    .options = {{"digests", NULL, "SHA-256 of each file and of each tensor's bytes as stored"}},
    .run = run_command,
};
