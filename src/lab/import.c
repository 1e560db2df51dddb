/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/export.h"

#include "base/folder.h"
#include "base/json.h"
#include "lab/bpe_file.h"
#include "lab/checkpoint.h"
#include "lab/layout.h"

#include <assay/checkpoint.h>
#include <assay/lab.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MOST_CONFIG ((size_t)1 << 20)

/* What must be known of a shape before its tensors are read, from config.json or GGUF's keys. */
struct facts {
    double vocabulary, width, layers, heads, kv_heads, hidden, context, epsilon, base;
    double experts, experts_per_token; /* NaN: not stated */
};

static assay_status to_shape(const char *path, const struct facts *f, struct lab_shape *s,
                             struct assay_error *error)
{
    const double all[] = {f->vocabulary, f->width,  f->layers, f->heads,
                          f->kv_heads,   f->hidden, f->context};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (!(all[i] >= 1 && all[i] <= 1e6) || all[i] != floor(all[i]))
            return assay_error_at(error, ASSAY_ERROR_INPUT, path, 0,
                                  "its sizes are missing or no whole numbers to a million");
    if (!(fabs(f->epsilon - LAB_EPSILON) <= 1e-9) || !(fabs(f->base - LAB_ROPE_BASE) <= 1e-3))
        return assay_error_at(error, ASSAY_ERROR_UNSUPPORTED, path, 0,
                              "expected norms with 1e-5 and rotary positions of base 10000, found "
                              "%g and %g",
                              f->epsilon, f->base);
    if (!isnan(f->experts) &&
        (!(f->experts >= 2 && f->experts <= 64) ||
         !(f->experts_per_token >= 1 && f->experts_per_token <= f->experts) ||
         f->experts != floor(f->experts) || f->experts_per_token != floor(f->experts_per_token)))
        return assay_error_at(error, ASSAY_ERROR_UNSUPPORTED, path, 0,
                              "expected 2 to 64 experts, of which a token visits at least one and "
                              "at most all, found %g and %g",
                              f->experts, f->experts_per_token);
    s->experts = isnan(f->experts) ? 0 : (unsigned)f->experts;
    s->experts_per_token = isnan(f->experts) ? 0 : (unsigned)f->experts_per_token;
    s->vocabulary = (unsigned)f->vocabulary;
    s->width = (unsigned)f->width;
    s->layers = (unsigned)f->layers;
    s->heads = (unsigned)f->heads;
    s->kv_heads = (unsigned)f->kv_heads;
    s->hidden = (unsigned)f->hidden;
    s->context = (unsigned)f->context;
    return ASSAY_OK;
}

static double number(const json_t *o, const char *name)
{
    const json_t *value = json_object_get(o, name);
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

static bool is_one_of(const json_t *text, const char *const *words, size_t n)
{
    const char *found = json_string_value(text);
    for (size_t i = 0; found && i < n; i++)
        if (strcmp(found, words[i]) == 0)
            return true;
    return false;
}

/* Older files name the way of turning "type". */
static bool turns_plainly(const json_t *rope)
{
    static const char *const plain[] = {"default"};
    const json_t *type = json_object_get(rope, "rope_type");
    type = type ? type : json_object_get(rope, "type");
    return !json_is_object(rope) || !type || is_one_of(type, plain, 1);
}

/* What other models do with tensors of the same names and sizes. Keys as Hugging Face's
 * `transformers` writes and reads them; those that are absent or null change nothing. */
static assay_status check_config(const char *path, const json_t *o, struct assay_error *error)
{
    static const char *const types[] = {"llama", "mistral", "mixtral"};
    static const char *const acts[] = {"silu", "swish"};
    const json_t *act = json_object_get(o, "hidden_act");
    double head = number(o, "head_dim"), window = number(o, "sliding_window");
    const char *wrong =
        !is_one_of(json_object_get(o, "model_type"), types, 3)  ? "model_type"
        : act && !is_one_of(act, acts, 2)                       ? "hidden_act"
        : !turns_plainly(json_object_get(o, "rope_scaling"))    ? "rope_scaling"
        : !turns_plainly(json_object_get(o, "rope_parameters")) ? "rope_parameters"
        : head * number(o, "num_attention_heads") != number(o, "hidden_size") && !isnan(head)
            ? "head_dim"
        : window < number(o, "max_position_embeddings") ? "sliding_window"
                                                        : NULL;
    if (!wrong)
        return ASSAY_OK;
    char *found = json_dumps(json_object_get(o, wrong), JSON_ENCODE_ANY | JSON_COMPACT);
    assay_error_at(error, ASSAY_ERROR_UNSUPPORTED, path, 0,
                   "expected model_type llama, mistral or mixtral, hidden_act silu, heads that "
                   "share the width out, rotary positions without scaling and no window narrower "
                   "than the context, found %s %.200s",
                   wrong, found ? found : "absent");
    free(found);
    return ASSAY_ERROR_UNSUPPORTED;
}

/* The base of rotary positions, wherever it is stated; Llama's own where it is not. */
static double base_of(const json_t *o)
{
    double inner = number(json_object_get(o, "rope_parameters"), "rope_theta");
    double outer = number(o, "rope_theta");
    return !isnan(inner) ? inner : !isnan(outer) ? outer : LAB_ROPE_BASE;
}

static assay_status read_config(const char *path, struct lab_shape *s, struct assay_error *error)
{
    json_t *o;
    ASSAY_TRY(json_read(path, MOST_CONFIG, &o, error));
    const struct facts f = {number(o, "vocab_size"),
                            number(o, "hidden_size"),
                            number(o, "num_hidden_layers"),
                            number(o, "num_attention_heads"),
                            number(o, "num_key_value_heads"),
                            number(o, "intermediate_size"),
                            number(o, "max_position_embeddings"),
                            number(o, "rms_norm_eps"),
                            base_of(o),
                            number(o, "num_local_experts"),
                            number(o, "num_experts_per_tok")};
    s->tied = json_is_true(json_object_get(o, "tie_word_embeddings"));
    assay_status status = to_shape(path, &f, s, error);
    if (status == ASSAY_OK)
        status = check_config(path, o, error);
    json_decref(o);
    return status;
}

static double note(const struct assay_checkpoint *c, const char *key)
{
    for (size_t i = 0; i < c->note_count; i++)
        if (strcmp(c->notes[i].key, key) == 0)
            return strtod(c->notes[i].value, NULL);
    return (double)NAN;
}

static assay_status read_keys(const struct assay_checkpoint *c, struct lab_shape *s,
                              struct assay_error *error)
{
    const struct facts f = {note(c, "llama.vocab_size"),
                            note(c, "llama.embedding_length"),
                            note(c, "llama.block_count"),
                            note(c, "llama.attention.head_count"),
                            note(c, "llama.attention.head_count_kv"),
                            note(c, "llama.feed_forward_length"),
                            note(c, "llama.context_length"),
                            note(c, "llama.attention.layer_norm_rms_epsilon"),
                            note(c, "llama.rope.freq_base"),
                            note(c, "llama.expert_count"),
                            note(c, "llama.expert_used_count")};
    s->tied = assay_checkpoint_find(c, "output.weight") == NULL;
    return to_shape(c->path, &f, s, error);
}

static bool has_shape(const struct assay_tensor *found, const struct lab_tensor *t)
{
    uint64_t expected[3] = {t->rows, t->columns, 0};
    int rank = t->columns ? 2 : 1;
    if (t->stack) {
        rank = 3;
        expected[0] = t->stack;
        expected[1] = t->rows;
        expected[2] = t->columns;
    }
    bool same = found->rank == rank;
    for (int i = 0; same && i < rank; i++)
        same = found->shape[i] == expected[i];
    return same;
}

static assay_status read_tensor(const struct assay_checkpoint *c, const struct lab_tensor *t,
                                bool gguf, size_t step, float *weights, struct assay_error *error)
{
    const struct assay_tensor *found = assay_checkpoint_find(c, t->name);
    if (!found || !has_shape(found, t))
        return assay_error_at(error, ASSAY_ERROR_INPUT, c->path, 0, "%s: expected %u x %zu x %zu%s",
                              t->name, t->stack ? t->stack : 1, t->rows,
                              t->columns ? t->columns : 1,
                              found ? ", found another shape" : ", found no such tensor");
    for (size_t e = 0; e < t->stack; e++)
        ASSAY_TRY(assay_tensor_read(found, e * t->rows * t->columns, t->rows * t->columns,
                                    weights + t->at + e * step, error));
    if (t->stack)
        return ASSAY_OK;
    if (!gguf || !t->turned)
        return assay_tensor_read(found, 0, found->elements, weights + t->at, error);
    for (size_t r = 0; r < t->rows; r++)
        ASSAY_TRY(assay_tensor_read(
            found, r * t->columns, t->columns,
            weights + t->at + lab_turned_row(r, t->rows, t->turned) * t->columns, error));
    return ASSAY_OK;
}

/* Everything is read, and nothing is left over that would change what the model says. */
static assay_status read_model(const struct assay_checkpoint *c, const struct lab_shape *shape,
                               bool gguf, struct lab_model *m, struct assay_error *error)
{
    uint64_t there = 0;
    size_t count = lab_model_weights(shape);
    for (size_t i = 0; i < c->count; i++)
        there += c->tensors[i].elements;
    if (count == 0 || there != count) /* before room for them is made */
        return assay_error_at(error, ASSAY_ERROR_UNSUPPORTED, c->path, 0,
                              "expected the weights of a Llama without biases of the stated sizes, "
                              "found %llu numbers where it has %zu",
                              (unsigned long long)there, count);
    ASSAY_TRY(lab_model_new(shape, 1, m, error));
    struct lab_tensor *list;
    size_t n = lab_tensors(m, gguf, &list);
    assay_status status =
        n ? ASSAY_OK : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    if (n && c->count != n)
        status = assay_error_at(error, ASSAY_ERROR_UNSUPPORTED, c->path, 0,
                                "expected the %zu tensors of a Llama without biases, found %zu", n,
                                c->count);
    for (size_t i = 0; i < n && status == ASSAY_OK; i++)
        status = read_tensor(c, &list[i], gguf, lab_expert_weights(shape), m->weights, error);
    free(list);
    if (status != ASSAY_OK)
        lab_model_free(m);
    return status;
}

static assay_status import_folder(const char *folder, struct lab_model *m, struct lab_bpe *b,
                                  struct assay_error *error)
{
    char weights[4200], other[4200];
    struct assay_checkpoint c;
    struct lab_shape shape;
    struct stat there;
    snprintf(other, sizeof other, "%s/tokenizer.json", folder);
    snprintf(weights, sizeof weights, "%s/checkpoint.safetensors", folder);
    ASSAY_TRY(lab_bpe_read(other, b, error));
    if (stat(weights, &there) == 0)
        return lab_checkpoint_read(weights, m, NULL, NULL, error);
    snprintf(other, sizeof other, "%s/config.json", folder);
    snprintf(weights, sizeof weights, "%s/model.safetensors", folder);
    ASSAY_TRY(read_config(other, &shape, error));
    ASSAY_TRY(assay_checkpoint_open(weights, &c, error));
    assay_status status = read_model(&c, &shape, false, m, error);
    assay_checkpoint_close(&c);
    return status;
}

static assay_status import_gguf(const char *path, struct lab_model *m, struct lab_bpe *b,
                                struct assay_error *error)
{
    struct assay_checkpoint c;
    struct lab_shape shape;
    ASSAY_TRY(assay_checkpoint_open(path, &c, error));
    assay_status status =
        strcmp(c.format, "gguf") == 0
            ? read_keys(&c, &shape, error)
            : assay_error_at(error, ASSAY_ERROR_UNSUPPORTED, path, 0,
                             "expected a folder or a GGUF file, found %s", c.format);
    if (status == ASSAY_OK)
        status = read_model(&c, &shape, true, m, error);
    assay_checkpoint_close(&c);
    return status == ASSAY_OK ? lab_bpe_read(path, b, error) : status;
}

assay_status lab_import(const char *path, struct lab_model *m, struct lab_bpe *b,
                        struct assay_error *error)
{
    struct stat there;
    *m = (struct lab_model){.count = 0};
    *b = (struct lab_bpe){.count = 0};
    if (strlen(path) > 4096 || stat(path, &there) != 0)
        return assay_error_at(error, ASSAY_ERROR_IO, path, 0, "%s", strerror(errno));
    assay_status status =
        S_ISDIR(there.st_mode) ? import_folder(path, m, b, error) : import_gguf(path, m, b, error);
    if (status == ASSAY_OK && b->count != m->shape.vocabulary)
        status = assay_error_at(error, ASSAY_ERROR_INPUT, path, 0,
                                "the model knows %u tokens, its vocabulary %zu",
                                m->shape.vocabulary, b->count);
    if (status != ASSAY_OK) {
        lab_model_free(m);
        lab_bpe_free(b);
    }
    return status;
}

assay_status assay_lab_export(const char *from, enum assay_lab_format format, const char *to,
                              struct assay_error *error)
{
    struct lab_model m;
    struct lab_bpe b;
    ASSAY_TRY(lab_import(from, &m, &b, error));
    assay_status status = ASSAY_OK;
    if (format == ASSAY_LAB_GGUF)
        status = lab_export_gguf(&m, &b, to, error);
    else if ((status = folder_make(to, error)) == ASSAY_OK)
        status = lab_export_folder(&m, &b, to, error);
    lab_model_free(&m);
    lab_bpe_free(&b);
    return status;
}
