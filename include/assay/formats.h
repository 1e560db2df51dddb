/* SPDX-License-Identifier: Apache-2.0 */
/*
 * formats: what others wrote, read into plain structs. Here: the architecture of a
 * decoder-only transformer, from Assay's own YAML or from a Hugging Face config.json.
 */
#ifndef ASSAY_FORMATS_H
#define ASSAY_FORMATS_H

#include <assay/base.h>

#ifdef __cplusplus
extern "C" {
#endif

enum assay_attention_kind {
    ASSAY_ATTENTION_GROUPED, /* multi-head, grouped-query or multi-query: heads and kv_heads */
    ASSAY_ATTENTION_LATENT,  /* multi-head latent attention (DeepSeek-V2, arXiv 2405.04434, 2.1) */
};

enum assay_norm_kind {
    ASSAY_NORM_RMS,   /* one vector a norm */
    ASSAY_NORM_LAYER, /* two vectors a norm: scale and shift */
    ASSAY_NORM_NONE,  /* a norm without parameters (OLMo 1) */
};

/*
 * A decoder-only transformer. Every count is at least 1 unless 0 is given a meaning, at most
 * 2^31-1, and their products fit in 63 bits: assay_architecture_check says so.
 */
struct assay_architecture {
    char name[128];  /* as its makers call it; may be "" */
    char family[32]; /* model_type of a config.json ("llama"), or "" */

    int64_t layers;     /* decoder layers, without multi-token-prediction layers */
    int64_t hidden;     /* width of the residual stream */
    int64_t vocabulary; /* rows of the embedding, as trained (padding included if stated) */
    int64_t positions;  /* rows of a learned position table; 0: none (rotary, ALiBi, ...) */

    enum assay_attention_kind attention;
    int64_t heads;
    int64_t kv_heads; /* grouped: divides heads; latent: equal to heads */
    int64_t head_dim; /* grouped: width of q, k and v a head; need not be hidden/heads */
    /* latent attention only, else 0 */
    int64_t q_rank; /* 0: queries are not compressed (DeepSeek-V2-Lite) */
    int64_t kv_rank;
    int64_t nope_dim;  /* a head's part of q and k without rotary position */
    int64_t rope_dim;  /* the part with it; shared by the heads in k */
    int64_t value_dim; /* a head's value width */
    int64_t window;    /* sliding attention window in tokens; 0: full */

    int64_t ffn; /* width of the dense feed-forward, 0 if every layer is a mixture */
    bool gated;  /* three matrices (SwiGLU, GeGLU) rather than two */

    int64_t experts;        /* routed experts a mixture layer; 0: a dense model */
    int64_t experts_active; /* routed experts a token */
    int64_t expert_ffn;     /* width of a routed expert */
    int64_t shared_ffn;     /* summed width of the experts that every token visits; 0: none */
    bool shared_gate;       /* a learned gate on the shared expert (Qwen2-MoE) */
    bool router_bias;       /* a bias a routed expert (DeepSeek-V3's balancing term) */
    int64_t dense_first;    /* leading layers that are dense */
    int64_t moe_every;      /* after those, each moe_every-th layer is a mixture; >= 1 */
    int64_t expert_groups;  /* groups that routing chooses among; 0 or 1: no limit */
    int64_t groups_active;  /* groups a token may visit (DeepSeek-V3: at most 4) */

    int64_t mtp_layers; /* extra multi-token-prediction layers (arXiv 2412.19437, 2.2) */

    enum assay_norm_kind norm;
    int64_t norms_per_layer; /* 2 usual, 1 parallel blocks, 4 sandwich (Gemma 2 and 3) */
    bool final_norm;         /* a norm before the head */
    bool qk_norm;            /* norms on q and k a head (Qwen3, Gemma 3) */
    bool qk_norm_full;       /* ... over the whole width of q and k rather than a head (OLMo 2) */
    bool qkv_bias, out_bias, mlp_bias, head_bias;
    bool tied; /* the head is the embedding's transpose */
};

/* Numbers of weights. Their sums are exact. */
struct assay_parameters {
    int64_t embedding; /* token and position tables */
    int64_t head;      /* 0 when tied */
    int64_t attention; /* all layers, biases and q/k norms included */
    int64_t dense_mlp; /* dense feed-forwards */
    int64_t experts;   /* routed experts, all of them */
    int64_t shared;    /* shared experts and their gates */
    int64_t router;
    int64_t norms;  /* of layers and before the head */
    int64_t mtp;    /* multi-token-prediction layers, without shared embedding and head */
    int64_t total;  /* everything but mtp: what makers print as the size */
    int64_t active; /* of total, what one token passes through (embedding row table counted) */
    int64_t active_without_embedding; /* active less the embedding tables; the head is counted */
};

/* Fills `architecture` with the fields every model may leave out (see the source for each). */
ASSAY_API void assay_architecture_default(struct assay_architecture *architecture);

/*
 * Refuses an architecture that cannot exist: heads that do not divide, active experts above
 * experts, products that overflow. `file` and `line` place the message and may be NULL and 0.
 */
ASSAY_API ASSAY_MUST_USE assay_status
assay_architecture_check(const struct assay_architecture *architecture, const char *file, long line,
                         struct assay_error *error);

/* Counts weights. `architecture` must have passed assay_architecture_check. */
ASSAY_API void assay_architecture_count(const struct assay_architecture *architecture,
                                        struct assay_parameters *parameters);

/* Whether decoder layer `i` (from 0) is a mixture of experts, and how many are. */
ASSAY_API bool assay_architecture_is_moe(const struct assay_architecture *architecture, int64_t i);
ASSAY_API int64_t assay_architecture_moe_layers(const struct assay_architecture *architecture);

/*
 * Reads Assay's own form: a YAML map whose keys are the fields above (docs/formats.md). Keys
 * that the map does not have keep their defaults; keys that nobody knows are left unmarked,
 * for assay_yaml_finish.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_architecture_read_yaml(
    struct assay_yaml *map, struct assay_architecture *architecture, struct assay_error *error);

/*
 * Reads a Hugging Face config.json of at most 4 MiB. Families: llama, mistral, mixtral, qwen2,
 * qwen3, qwen2_moe, qwen3_moe, deepseek_v2, deepseek_v3, gpt2, gpt_neox, falcon, phi, phi3,
 * gemma, gemma2, gemma3_text, olmo, olmo2, olmoe. ASSAY_ERROR_UNSUPPORTED for another
 * model_type, with the list. Unknown keys are ignored: such files carry many.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_architecture_read_config(
    const char *path, struct assay_architecture *architecture, struct assay_error *error);

#ifdef __cplusplus
}
#endif
#endif
