/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hugging Face config.json. One function a family sets what the family's modelling code builds;
 * a key that is missing has the default of that family's configuration class
 * (huggingface/transformers, src/transformers/models/FAMILY/configuration_FAMILY.py).
 */
#include "formats/config.h"

#include "base/json.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define MOST_BYTES ((size_t)4 << 20)

struct config {
    const char *path;
    const json_t *root;
    struct assay_error *error;
    assay_status status; /* the first failure; later reads return their defaults */
};

/* ---- typed reads --------------------------------------------------------------------- */

static void fail(struct config *c, const char *key, const char *expected)
{
    if (c->status == ASSAY_OK)
        c->status = assay_error_at(c->error, ASSAY_ERROR_INPUT, c->path, 0, "%s: expected %s", key,
                                   expected);
}

/* A whole number, or `otherwise` where the key is missing or null. */
static int64_t number(struct config *c, const char *key, int64_t otherwise)
{
    const json_t *value = json_object_get(c->root, key);
    if (!value || json_is_null(value))
        return otherwise;
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        json_integer_value(value) > INT_MAX) {
        fail(c, key, "a whole number from 0 to 2147483647");
        return otherwise;
    }
    return json_integer_value(value);
}

static bool flag(struct config *c, const char *key, bool otherwise)
{
    const json_t *value = json_object_get(c->root, key);
    if (!value || json_is_null(value))
        return otherwise;
    if (!json_is_boolean(value)) {
        fail(c, key, "true or false");
        return otherwise;
    }
    return json_is_true(value);
}

static const char *text(struct config *c, const char *key, const char *otherwise)
{
    const json_t *value = json_object_get(c->root, key);
    if (!value || json_is_null(value))
        return otherwise;
    if (!json_is_string(value)) {
        fail(c, key, "text");
        return otherwise;
    }
    return json_string_value(value);
}

/* ---- what many families share ------------------------------------------------------------------
 */

/* head_dim where neither the file nor the family states it. */
static int64_t usual_head_dim(struct config *c, const struct assay_architecture *a)
{
    if (a->heads < 1 || a->hidden % a->heads != 0) {
        fail(c, "num_attention_heads", "a divisor of hidden_size");
        return 1;
    }
    return a->hidden / a->heads;
}

/* The names that Llama introduced; the numbers are the family's defaults. */
static void llama_like(struct config *c, struct assay_architecture *a, int64_t vocabulary,
                       int64_t hidden, int64_t ffn, int64_t layers, int64_t heads, int64_t kv_heads)
{
    a->vocabulary = number(c, "vocab_size", vocabulary);
    a->hidden = number(c, "hidden_size", hidden);
    a->ffn = number(c, "intermediate_size", ffn);
    a->layers = number(c, "num_hidden_layers", layers);
    a->heads = number(c, "num_attention_heads", heads);
    /* an absent key means the default, unless the file changes the heads; null means heads */
    bool stated = json_object_get(c->root, "num_key_value_heads") != NULL;
    a->kv_heads = number(c, "num_key_value_heads", stated || kv_heads == 0 ? a->heads : kv_heads);
    a->head_dim = number(c, "head_dim", 0);
    if (a->head_dim == 0)
        a->head_dim = usual_head_dim(c, a);
}

/* Sliding windows: used only where `use` says so. */
static void window(struct config *c, struct assay_architecture *a, bool use)
{
    a->window = use ? number(c, "sliding_window", 0) : 0;
}

/* ---- families ------------------------------------------------------------------------ */

static void llama(struct config *c, struct assay_architecture *a)
{
    llama_like(c, a, 32000, 4096, 11008, 32, 32, 0);
    a->tied = flag(c, "tie_word_embeddings", false);
    a->qkv_bias = a->out_bias = flag(c, "attention_bias", false);
    a->mlp_bias = flag(c, "mlp_bias", false);
}

static void mistral(struct config *c, struct assay_architecture *a)
{
    llama_like(c, a, 32000, 4096, 14336, 32, 32, 8);
    a->tied = flag(c, "tie_word_embeddings", false);
    window(c, a, true);
}

static void mixtral(struct config *c, struct assay_architecture *a)
{
    mistral(c, a);
    a->experts = number(c, "num_local_experts", 8);
    a->experts_active = number(c, "num_experts_per_tok", 2);
    a->expert_ffn = a->ffn;
    a->ffn = 0;
}

static void qwen2(struct config *c, struct assay_architecture *a)
{
    llama_like(c, a, 151936, 4096, 22016, 32, 32, 32);
    a->tied = flag(c, "tie_word_embeddings", false);
    a->qkv_bias = true;
    window(c, a, flag(c, "use_sliding_window", false));
}

static void qwen3(struct config *c, struct assay_architecture *a)
{
    bool stated = json_object_get(c->root, "head_dim") != NULL;
    llama_like(c, a, 151936, 4096, 22016, 32, 32, 32);
    if (!stated)
        a->head_dim = 128;
    a->tied = flag(c, "tie_word_embeddings", false);
    a->qkv_bias = a->out_bias = flag(c, "attention_bias", false);
    a->qk_norm = true;
    window(c, a, flag(c, "use_sliding_window", false));
}

/* Layers listed in mlp_only_layers are dense; here only a leading run of them is understood. */
static void dense_layers(struct config *c, struct assay_architecture *a)
{
    const json_t *list = json_object_get(c->root, "mlp_only_layers");
    int64_t step = number(c, "decoder_sparse_step", 1);
    a->dense_first = list && json_is_array(list) ? (int64_t)json_array_size(list) : 0;
    for (size_t i = 0; list && json_is_array(list) && i < json_array_size(list); i++)
        if (json_integer_value(json_array_get(list, i)) != (json_int_t)i)
            fail(c, "mlp_only_layers", "the first layers, in order");
    if (step > 1) { /* layer i is a mixture where (i + 1) % step == 0 */
        a->moe_every = step;
        a->dense_first = step - 1;
    }
}

static void qwen2_moe(struct config *c, struct assay_architecture *a)
{
    llama_like(c, a, 151936, 2048, 5632, 24, 16, 16);
    a->tied = flag(c, "tie_word_embeddings", false);
    a->qkv_bias = true;
    a->experts = number(c, "num_experts", 60);
    a->experts_active = number(c, "num_experts_per_tok", 4);
    a->expert_ffn = number(c, "moe_intermediate_size", 1408);
    a->shared_ffn = number(c, "shared_expert_intermediate_size", 5632);
    a->shared_gate = true;
    dense_layers(c, a);
    window(c, a, flag(c, "use_sliding_window", false));
}

static void qwen3_moe(struct config *c, struct assay_architecture *a)
{
    llama_like(c, a, 151936, 2048, 6144, 24, 32, 4);
    a->tied = flag(c, "tie_word_embeddings", false);
    a->qkv_bias = a->out_bias = flag(c, "attention_bias", false);
    a->qk_norm = true;
    a->experts = number(c, "num_experts", 128);
    a->experts_active = number(c, "num_experts_per_tok", 8);
    a->expert_ffn = number(c, "moe_intermediate_size", 768);
    dense_layers(c, a);
    window(c, a, flag(c, "use_sliding_window", false));
}

/* V2 and V3 differ in their defaults and in the router's bias. */
static void deepseek(struct config *c, struct assay_architecture *a, bool v3)
{
    a->vocabulary = number(c, "vocab_size", v3 ? 129280 : 102400);
    a->hidden = number(c, "hidden_size", v3 ? 7168 : 4096);
    a->ffn = number(c, "intermediate_size", v3 ? 18432 : 11008);
    a->layers = number(c, "num_hidden_layers", v3 ? 61 : 32);
    a->heads = a->kv_heads = number(c, "num_attention_heads", v3 ? 128 : 32);
    a->attention = ASSAY_ATTENTION_LATENT;
    bool null = json_is_null(json_object_get(c->root, "q_lora_rank"));
    a->q_rank = null ? 0 : number(c, "q_lora_rank", 1536);
    a->kv_rank = number(c, "kv_lora_rank", 512);
    a->rope_dim = number(c, "qk_rope_head_dim", 64);
    a->nope_dim = number(c, "qk_nope_head_dim", 128);
    a->value_dim = number(c, "v_head_dim", 128);
    a->qkv_bias = a->out_bias = flag(c, "attention_bias", false);
    a->tied = flag(c, "tie_word_embeddings", false);
    a->experts = number(c, "n_routed_experts", v3 ? 256 : 64);
    a->experts_active = number(c, "num_experts_per_tok", 8);
    a->expert_ffn = number(c, "moe_intermediate_size", v3 ? 2048 : 1407);
    a->shared_ffn = number(c, "n_shared_experts", v3 ? 1 : 2) * a->expert_ffn;
    a->dense_first = number(c, "first_k_dense_replace", v3 ? 3 : 0);
    a->expert_groups = number(c, "n_group", v3 ? 8 : 0);
    a->groups_active = number(c, "topk_group", v3 ? 4 : 0);
    a->router_bias = v3;
    a->mtp_layers = number(c, "num_nextn_predict_layers", 0);
}

static void deepseek_v2(struct config *c, struct assay_architecture *a)
{
    deepseek(c, a, false);
}

static void deepseek_v3(struct config *c, struct assay_architecture *a)
{
    deepseek(c, a, true);
}

static void gpt2(struct config *c, struct assay_architecture *a)
{
    a->vocabulary = number(c, "vocab_size", 50257);
    a->positions = number(c, "n_positions", 1024);
    a->hidden = number(c, "n_embd", 768);
    a->layers = number(c, "n_layer", 12);
    a->heads = a->kv_heads = number(c, "n_head", 12);
    a->head_dim = usual_head_dim(c, a);
    a->ffn = number(c, "n_inner", 4 * a->hidden);
    a->gated = false;
    a->norm = ASSAY_NORM_LAYER;
    a->qkv_bias = a->out_bias = a->mlp_bias = true;
    a->tied = flag(c, "tie_word_embeddings", true);
}

static void gpt_neox(struct config *c, struct assay_architecture *a)
{
    a->vocabulary = number(c, "vocab_size", 50432);
    a->hidden = number(c, "hidden_size", 6144);
    a->ffn = number(c, "intermediate_size", 24576);
    a->layers = number(c, "num_hidden_layers", 44);
    a->heads = a->kv_heads = number(c, "num_attention_heads", 64);
    a->head_dim = usual_head_dim(c, a);
    a->gated = false;
    a->norm = ASSAY_NORM_LAYER;
    a->qkv_bias = a->out_bias = flag(c, "attention_bias", true);
    a->mlp_bias = true;
    a->tied = flag(c, "tie_word_embeddings", false);
}

/*
 * Falcon 7B: one key-value head and one norm for parallel attention and feed-forward; 40B and
 * 180B ("new decoder architecture"): grouped heads and two norms; RW: neither, in sequence.
 */
static void falcon(struct config *c, struct assay_architecture *a)
{
    bool newer = flag(c, "new_decoder_architecture", false);
    bool parallel = flag(c, "parallel_attn", true), bias = flag(c, "bias", false);
    a->vocabulary = number(c, "vocab_size", 65024);
    a->hidden = number(c, "hidden_size", 4544);
    a->layers = number(c, "num_hidden_layers", 32);
    a->heads = number(c, "num_attention_heads", 71);
    int64_t kv = number(c, "num_kv_heads", a->heads);
    a->kv_heads = newer ? kv : flag(c, "multi_query", true) ? 1 : a->heads;
    a->head_dim = usual_head_dim(c, a);
    a->ffn = number(c, "ffn_hidden_size", 4 * a->hidden);
    a->gated = false;
    a->norm = ASSAY_NORM_LAYER;
    int64_t norms = number(c, "num_ln_in_parallel_attn", newer ? 2 : 1);
    a->norms_per_layer = newer ? norms : parallel ? 1 : 2;
    a->qkv_bias = a->out_bias = a->mlp_bias = bias;
    a->tied = flag(c, "tie_word_embeddings", true);
}

static void phi(struct config *c, struct assay_architecture *a)
{
    llama_like(c, a, 51200, 2048, 8192, 24, 32, 0);
    a->gated = false;
    a->norm = ASSAY_NORM_LAYER;
    a->norms_per_layer = 1;
    a->qkv_bias = a->out_bias = a->mlp_bias = a->head_bias = true;
    a->tied = flag(c, "tie_word_embeddings", false);
}

static void phi3(struct config *c, struct assay_architecture *a)
{
    llama_like(c, a, 32064, 3072, 8192, 32, 32, 0);
    a->tied = flag(c, "tie_word_embeddings", false);
    window(c, a, true);
}

static void gemma(struct config *c, struct assay_architecture *a)
{
    llama_like(c, a, 256000, 3072, 24576, 28, 16, 16);
    a->head_dim = number(c, "head_dim", 256);
    a->qkv_bias = a->out_bias = flag(c, "attention_bias", false);
    a->tied = flag(c, "tie_word_embeddings", true);
}

static void gemma2(struct config *c, struct assay_architecture *a)
{
    llama_like(c, a, 256000, 2304, 9216, 26, 8, 4);
    a->head_dim = number(c, "head_dim", 256);
    a->qkv_bias = a->out_bias = flag(c, "attention_bias", false);
    a->tied = flag(c, "tie_word_embeddings", true);
    a->norms_per_layer = 4;
}

static void gemma3(struct config *c, struct assay_architecture *a)
{
    llama_like(c, a, 262208, 2304, 9216, 26, 8, 4);
    a->head_dim = number(c, "head_dim", 256);
    a->qkv_bias = a->out_bias = flag(c, "attention_bias", false);
    a->tied = flag(c, "tie_word_embeddings", true);
    a->norms_per_layer = 4;
    a->qk_norm = true;
}

static void olmo(struct config *c, struct assay_architecture *a)
{
    llama_like(c, a, 50304, 4096, 11008, 32, 32, 0);
    a->norm = ASSAY_NORM_NONE;
    a->qkv_bias = a->out_bias = flag(c, "attention_bias", false);
    a->tied = flag(c, "tie_word_embeddings", false);
}

static void olmo2(struct config *c, struct assay_architecture *a)
{
    olmo(c, a);
    a->norm = ASSAY_NORM_RMS;
    a->qk_norm_full = true;
}

static void olmoe(struct config *c, struct assay_architecture *a)
{
    llama_like(c, a, 50304, 2048, 2048, 16, 16, 0);
    a->qk_norm_full = true;
    a->qkv_bias = a->out_bias = flag(c, "attention_bias", false);
    a->tied = flag(c, "tie_word_embeddings", false);
    a->experts = number(c, "num_experts", 64);
    a->experts_active = number(c, "num_experts_per_tok", 8);
    a->expert_ffn = a->ffn;
    a->ffn = 0;
}

static const struct family {
    const char *name;
    void (*read)(struct config *, struct assay_architecture *);
} families[] = {
    {"llama", llama},
    {"mistral", mistral},
    {"mixtral", mixtral},
    {"qwen2", qwen2},
    {"qwen3", qwen3},
    {"qwen2_moe", qwen2_moe},
    {"qwen3_moe", qwen3_moe},
    {"deepseek_v2", deepseek_v2},
    {"deepseek_v3", deepseek_v3},
    {"gpt2", gpt2},
    {"gpt_neox", gpt_neox},
    {"falcon", falcon},
    {"phi", phi},
    {"phi3", phi3},
    {"gemma", gemma},
    {"gemma2", gemma2},
    {"gemma3_text", gemma3},
    {"olmo", olmo},
    {"olmo2", olmo2},
    {"olmoe", olmoe},
};

/* ---- the whole ----------------------------------------------------------------------- */

static assay_status unknown_family(struct config *c, const char *name)
{
    char list[400] = "";
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", families[i].name);
    }
    return assay_error_at(c->error, ASSAY_ERROR_UNSUPPORTED, c->path, 0,
                          "model_type: found \"%.40s\", expected one of %s", name, list);
}

static assay_status read_config(struct config *c, struct assay_architecture *a)
{
    if (!json_is_object(c->root))
        return assay_error_at(c->error, ASSAY_ERROR_INPUT, c->path, 1, "expected a JSON object");
    const char *type = text(c, "model_type", "");
    const struct family *family = NULL;
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
        if (strcmp(families[i].name, type) == 0)
            family = &families[i];
    if (c->status != ASSAY_OK)
        return c->status;
    if (!family)
        return unknown_family(c, type);
    assay_architecture_default(a);
    snprintf(a->family, sizeof a->family, "%s", type);
    family->read(c, a);
    const char *name = text(c, "_name_or_path", "");
    if (strlen(name) < sizeof a->name)
        memcpy(a->name, name, strlen(name) + 1);
    ASSAY_TRY(c->status);
    return assay_architecture_check(a, c->path, 0, c->error);
}

assay_status config_parse(const char *path, const void *bytes, size_t size,
                          struct assay_architecture *architecture, struct assay_error *error)
{
    json_t *root;
    ASSAY_TRY(json_parse(path, bytes, size, &root, error));
    struct config c = {.path = path, .root = root, .error = error};
    assay_status status = read_config(&c, architecture);
    json_decref(root);
    return status;
}

assay_status assay_architecture_read_config(const char *path,
                                            struct assay_architecture *architecture,
                                            struct assay_error *error)
{
    struct assay_file file;
    ASSAY_TRY(assay_file_open(path, MOST_BYTES, &file, error));
    assay_status status = config_parse(path, file.bytes, file.size, architecture, error);
    assay_file_close(&file);
    return status;
}
