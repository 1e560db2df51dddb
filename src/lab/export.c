/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/export.h"

#include "base/json.h"
#include "lab/bpe_file.h"
#include "lab/layout.h"

#include <assay/checkpoint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t lab_turned_row(size_t r, size_t rows, unsigned heads)
{
    size_t size = rows / heads, head = r / size, in = r % size;
    return head * size + in % 2 * (size / 2) + in / 2;
}

static void name(struct lab_tensor *t, int layer, const char *its, const char *gguf, size_t at,
                 size_t rows, size_t columns, unsigned turned)
{
    *t = (struct lab_tensor){.at = at, .rows = rows, .columns = columns, .turned = turned};
    if (layer < 0) {
        snprintf(t->name, sizeof t->name, "%s.weight", its);
        snprintf(t->gguf, sizeof t->gguf, "%s.weight", gguf);
    } else {
        snprintf(t->name, sizeof t->name, "model.layers.%d.%s.weight", layer, its);
        snprintf(t->gguf, sizeof t->gguf, "blk.%d.%s.weight", layer, gguf);
    }
}

size_t lab_tensors(const struct lab_model *m, struct lab_tensor *list)
{
    const struct lab_shape *s = &m->shape;
    size_t n = 0, c = s->width, kv = lab_kv_width(s), hidden = s->hidden;
    name(&list[n++], -1, "model.embed_tokens", "token_embd", m->embedding, s->vocabulary, c, 0);
    for (unsigned l = 0; l < s->layers; l++) {
        const struct lab_layer *y = &m->layers[l];
        int i = (int)l;
        name(&list[n++], i, "input_layernorm", "attn_norm", y->norm1, c, 0, 0);
        name(&list[n++], i, "self_attn.q_proj", "attn_q", y->q, c, c, s->heads);
        name(&list[n++], i, "self_attn.k_proj", "attn_k", y->k, kv, c, s->kv_heads);
        name(&list[n++], i, "self_attn.v_proj", "attn_v", y->v, kv, c, 0);
        name(&list[n++], i, "self_attn.o_proj", "attn_output", y->o, c, c, 0);
        name(&list[n++], i, "post_attention_layernorm", "ffn_norm", y->norm2, c, 0, 0);
        name(&list[n++], i, "mlp.gate_proj", "ffn_gate", y->gate, hidden, c, 0);
        name(&list[n++], i, "mlp.up_proj", "ffn_up", y->up, hidden, c, 0);
        name(&list[n++], i, "mlp.down_proj", "ffn_down", y->down, c, hidden, 0);
    }
    name(&list[n++], -1, "model.norm", "output_norm", m->norm, c, 0, 0);
    if (!s->tied)
        name(&list[n++], -1, "lm_head", "output", m->head, s->vocabulary, c, 0);
    return n;
}

static json_t *config(const struct lab_shape *s)
{
    json_t *o = json_object(), *architectures = json_array();
    json_array_append_new(architectures, json_string("LlamaForCausalLM"));
    json_object_set_new(o, "architectures", architectures);
    json_set_text(o, "model_type", "llama");
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

assay_status lab_export_folder(const struct lab_model *m, const struct lab_bpe *bpe,
                               const char *folder, struct assay_error *error)
{
    char path[4200];
    size_t most = 3 + 9 * (size_t)m->shape.layers;
    struct lab_tensor *list = malloc(most * sizeof *list);
    struct assay_tensor_out *out = malloc(most * sizeof *out);
    assay_status status = ASSAY_ERROR_MEMORY;
    if (strlen(folder) > 4096) {
        status = assay_error_at(error, ASSAY_ERROR_LIMIT, NULL, 0, "the folder's name is too long");
    } else if (list && out) {
        size_t n = lab_tensors(m, list);
        for (size_t i = 0; i < n; i++)
            out[i] = (struct assay_tensor_out){.name = list[i].name,
                                               .dtype = ASSAY_DTYPE_F32,
                                               .rank = list[i].columns ? 2 : 1,
                                               .shape = {list[i].rows, list[i].columns},
                                               .bytes = m->weights + list[i].at};
        const struct assay_checkpoint_note note = {"format", "pt"};
        snprintf(path, sizeof path, "%s/model.safetensors", folder);
        status = assay_safetensors_write(path, out, n, &note, 1, error);
        if (status == ASSAY_OK)
            status = write_config(&m->shape, folder, error);
        snprintf(path, sizeof path, "%s/tokenizer.json", folder);
        if (status == ASSAY_OK)
            status = lab_bpe_write(bpe, path, error);
    } else {
        status = assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    }
    free(list);
    free(out);
    return status;
}
