/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/export.h"

#include "base/json.h"
#include "lab/bpe_file.h"
#include "lab/layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t lab_turned_row(size_t r, size_t rows, unsigned heads)
{
    size_t size = rows / heads, head = r / size, in = r % size;
    return head * size + in % 2 * (size / 2) + in / 2;
}

struct list {
    struct lab_tensor *tensors;
    size_t count;
    bool gguf;
};

static struct lab_tensor *add(struct list *l, int layer, const char *its, const char *gguf,
                              size_t at, size_t rows, size_t columns)
{
    struct lab_tensor *t = &l->tensors[l->count++];
    *t = (struct lab_tensor){.at = at, .rows = rows, .columns = columns};
    if (layer < 0)
        snprintf(t->name, sizeof t->name, "%s.weight", l->gguf ? gguf : its);
    else if (l->gguf)
        snprintf(t->name, sizeof t->name, "blk.%d.%s.weight", layer, gguf);
    else
        snprintf(t->name, sizeof t->name, "model.layers.%d.%s.weight", layer, its);
    return t;
}

/* Mixtral's names; GGUF has all experts of a layer in one tensor. */
static void add_experts(struct list *l, const struct lab_shape *s, const struct lab_layer *y,
                        int layer)
{
    static const char *const names[] = {"ffn_gate_exps", "ffn_up_exps", "ffn_down_exps"};
    static const int numbers[] = {1, 3, 2}; /* of Mixtral's w */
    const size_t at[] = {y->gate, y->up, y->down}, c = s->width, hidden = s->hidden;
    add(l, layer, "block_sparse_moe.gate", "ffn_gate_inp", y->router, s->experts, c);
    for (unsigned e = 0; e < (l->gguf ? 1 : s->experts); e++)
        for (int i = 0; i < 3; i++) {
            char its[64];
            snprintf(its, sizeof its, "block_sparse_moe.experts.%u.w%d", e, numbers[i]);
            add(l, layer, its, names[i], at[i] + e * lab_expert_weights(s), i < 2 ? hidden : c,
                i < 2 ? c : hidden)
                ->stack = l->gguf ? s->experts : 0;
        }
}

static void add_layer(struct list *l, const struct lab_shape *s, const struct lab_layer *y, int i)
{
    size_t c = s->width, kv = lab_kv_width(s), hidden = s->hidden;
    add(l, i, "input_layernorm", "attn_norm", y->norm1, c, 0);
    add(l, i, "self_attn.q_proj", "attn_q", y->q, c, c)->turned = s->heads;
    add(l, i, "self_attn.k_proj", "attn_k", y->k, kv, c)->turned = s->kv_heads;
    add(l, i, "self_attn.v_proj", "attn_v", y->v, kv, c);
    add(l, i, "self_attn.o_proj", "attn_output", y->o, c, c);
    add(l, i, "post_attention_layernorm", "ffn_norm", y->norm2, c, 0);
    if (s->experts) {
        add_experts(l, s, y, i);
        return;
    }
    add(l, i, "mlp.gate_proj", "ffn_gate", y->gate, hidden, c);
    add(l, i, "mlp.up_proj", "ffn_up", y->up, hidden, c);
    add(l, i, "mlp.down_proj", "ffn_down", y->down, c, hidden);
}

size_t lab_tensors(const struct lab_model *m, bool gguf, struct lab_tensor **tensors)
{
    const struct lab_shape *s = &m->shape;
    size_t most = 3 + s->layers * (7 + 3 * lab_expert_count(s));
    struct list l = {malloc(most * sizeof *l.tensors), 0, gguf};
    *tensors = l.tensors;
    if (!l.tensors)
        return 0;
    add(&l, -1, "model.embed_tokens", "token_embd", m->embedding, s->vocabulary, s->width);
    for (unsigned i = 0; i < s->layers; i++)
        add_layer(&l, s, &m->layers[i], (int)i);
    add(&l, -1, "model.norm", "output_norm", m->norm, s->width, 0);
    if (!s->tied)
        add(&l, -1, "lm_head", "output", m->head, s->vocabulary, s->width);
    return l.count;
}

static json_t *config(const struct lab_shape *s)
{
    json_t *o = json_object(), *architectures = json_array();
    json_array_append_new(architectures,
                          json_string(s->experts ? "MixtralForCausalLM" : "LlamaForCausalLM"));
    json_object_set_new(o, "architectures", architectures);
    json_set_text(o, "model_type", s->experts ? "mixtral" : "llama");
    json_set_number(o, "vocab_size", s->vocabulary);
    json_set_number(o, "hidden_size", s->width);
    json_set_number(o, "num_hidden_layers", s->layers);
    json_set_number(o, "num_attention_heads", s->heads);
    json_set_number(o, "num_key_value_heads", s->kv_heads);
    unsigned size = s->width / s->heads;
    json_set_number(o, "head_dim", size);
    json_set_number(o, "intermediate_size", s->hidden);
    json_set_number(o, "max_position_embeddings", s->context);
    json_set_number(o, "rms_norm_eps", LAB_EPSILON);
    json_set_number(o, "rope_theta", LAB_ROPE_BASE);
    if (s->experts) {
        json_set_number(o, "num_local_experts", s->experts);
        json_set_number(o, "num_experts_per_tok", s->experts_per_token);
    }
    json_set_text(o, "hidden_act", "silu");
    json_object_set_new(o, "attention_bias", json_false());
    json_object_set_new(o, "mlp_bias", json_false());
    json_object_set_new(o, "tie_word_embeddings", json_boolean(s->tied));
    json_set_number(o, "bos_token_id", 0);
    json_set_number(o, "eos_token_id", 0);
    json_set_text(o, "torch_dtype", "float32");
    return o;
}

static assay_status write_config(const struct lab_shape *s, const char *folder,
                                 struct assay_error *error)
{
    char path[4200];
    json_t *o = config(s);
    char *text = json_print(o);
    json_decref(o);
    snprintf(path, sizeof path, "%s/config.json", folder);
    assay_status status = text
                              ? assay_file_write(path, text, strlen(text), error)
                              : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    free(text);
    return status;
}

assay_status lab_write_tensors(const struct lab_model *m, const char *path,
                               const struct assay_checkpoint_note *notes, size_t note_count,
                               struct assay_error *error)
{
    struct lab_tensor *list = NULL;
    size_t n = lab_tensors(m, false, &list);
    struct assay_tensor_out *out = n ? malloc(n * sizeof *out) : NULL;
    assay_status status;
    for (size_t i = 0; out && i < n; i++)
        out[i] = (struct assay_tensor_out){.name = list[i].name,
                                           .dtype = ASSAY_DTYPE_F32,
                                           .rank = list[i].columns ? 2 : 1,
                                           .shape = {list[i].rows, list[i].columns},
                                           .bytes = m->weights + list[i].at};
    if (out)
        status = assay_safetensors_write(path, out, n, notes, note_count, error);
    else
        status = assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    free(list);
    free(out);
    return status;
}

static bool read_tensors(const struct assay_checkpoint *c, struct lab_model *m)
{
    struct lab_tensor *list = NULL;
    size_t n = lab_tensors(m, false, &list), read = 0;
    bool good = n > 0;
    for (size_t i = 0; good && i < n; i++) {
        const struct assay_tensor *t = assay_checkpoint_find(c, list[i].name);
        size_t count = list[i].rows * (list[i].columns ? list[i].columns : 1);
        good = t && t->elements == count && t->dtype == ASSAY_DTYPE_F32 &&
               assay_tensor_read(t, 0, count, m->weights + list[i].at, NULL) == ASSAY_OK;
        read += count;
    }
    free(list);
    return good && read == m->count;
}

bool lab_read_tensors(const char *path, struct lab_model *m)
{
    struct assay_checkpoint c;
    if (assay_checkpoint_open(path, &c, NULL) != ASSAY_OK)
        return false;
    bool good = read_tensors(&c, m);
    assay_checkpoint_close(&c);
    return good;
}

assay_status lab_export_folder(const struct lab_model *m, const struct lab_bpe *bpe,
                               const char *folder, struct assay_error *error)
{
    const struct assay_checkpoint_note note = {"format", "pt"};
    char path[4200];
    if (strlen(folder) > 4096)
        return assay_error_at(error, ASSAY_ERROR_LIMIT, NULL, 0, "the folder's name is too long");
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    ASSAY_TRY(lab_write_tensors(m, path, &note, 1, error));
    ASSAY_TRY(write_config(&m->shape, folder, error));
    snprintf(path, sizeof path, "%s/tokenizer.json", folder);
    return lab_bpe_write(bpe, path, error);
}
