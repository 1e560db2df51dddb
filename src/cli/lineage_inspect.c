/* SPDX-License-Identifier: Apache-2.0 */
/* assay lineage inspect */
#include "cli/commands.h"

#include "base/json.h"

#include <assay/checkpoint.h>

#include <string.h>

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

static json_t *tensor_json(const struct assay_tensor *t)
{
    json_t *object = json_object(), *shape = json_array();
    for (int i = 0; i < t->rank; i++)
        json_array_append_new(shape, json_integer((json_int_t)t->shape[i]));
    json_set_text(object, "name", t->name);
    json_set_text(object, "dtype", assay_dtype_name(t->dtype));
    json_set_text(object, "stored_as", t->stored_as);
    json_object_set_new(object, "shape", shape);
    json_object_set_new(object, "offset", json_integer((json_int_t)t->offset));
    json_object_set_new(object, "bytes", json_integer((json_int_t)t->size));
    if (t->unreadable)
        json_set_text(object, "unreadable", t->unreadable);
    return object;
}

static json_t *to_json(const struct assay_checkpoint *c, const char *digest)
{
    json_t *object = json_object(), *tensors = json_array(), *notes = json_object();
    uint64_t parameters = 0;
    for (size_t i = 0; i < c->count; i++) {
        json_array_append_new(tensors, tensor_json(&c->tensors[i]));
        if (assay_dtype_is_real(c->tensors[i].dtype))
            parameters += c->tensors[i].elements;
    }
    for (size_t i = 0; i < c->note_count; i++)
        json_set_text(notes, c->notes[i].key, c->notes[i].value);
    json_set_text(object, "path", c->path);
    json_set_text(object, "format", c->format);
    json_set_text(object, "sha256", digest);
    json_object_set_new(object, "file_bytes", json_integer((json_int_t)c->file_bytes));
    json_object_set_new(object, "parameters", json_integer((json_int_t)parameters));
    json_object_set_new(object, "notes", notes);
    json_object_set_new(object, "tensors", tensors);
    return object;
}

static void print(const struct assay_checkpoint *c)
{
    char shape[160];
    printf("%s: %s, %zu tensors, %llu bytes\n", c->path, c->format, c->count,
           (unsigned long long)c->file_bytes);
    for (size_t i = 0; i < c->note_count; i++)
        printf("  %s = %s\n", c->notes[i].key, c->notes[i].value);
    for (size_t i = 0; i < c->count; i++) {
        const struct assay_tensor *t = &c->tensors[i];
        shape_text(t, shape, sizeof shape);
        printf("  %-10s %-20s %s%s%s\n",
               t->dtype == ASSAY_DTYPE_OTHER ? t->stored_as : assay_dtype_name(t->dtype), shape,
               t->name, t->unreadable ? "   not read: " : "", t->unreadable ? t->unreadable : "");
    }
}

static assay_status run_command(struct cli_call *call)
{
    struct assay_checkpoint c;
    char digest[65] = "";
    ASSAY_TRY(assay_checkpoint_open(call->positional[0], &c, &call->error));
    assay_status status = ASSAY_OK;
    if (call->json && c.file_count == 1)
        assay_sha256_bytes(c.files[0].bytes, c.files[0].size, digest);
    if (call->json) {
        status = cli_print_json(call, to_json(&c, digest[0] ? digest : NULL));
    } else {
        print(&c);
        status = cli_finish_output(call);
    }
    assay_checkpoint_close(&c);
    return status;
}

const struct cli_command cli_lineage_inspect = {
    .room = "lineage",
    .verb = "inspect",
    .arguments = "CHECKPOINT",
    .summary = "List the tensors of a checkpoint",
    .text =
        "Reads safetensors (shards by their index.json or their folder), GGUF, ONNX, a PyTorch\n"
        "zip or llama2.c, and lists tensors, types, shapes and the file's own description. A\n"
        "tensor of a type that Assay does not decode is listed with the reason. Nothing in the\n"
        "file is run, and no tensor is read.\n",
    .least = 1,
    .most = 1,
    .run = run_command,
};
