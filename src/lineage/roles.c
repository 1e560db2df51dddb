/* SPDX-License-Identifier: Apache-2.0 */
/* What a tensor does, from its name. */
#include "lineage/roles.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/*
 * The first row whose words are all in the name decides. Words as in the files of: Llama, Qwen,
 * Mistral, Gemma, Phi, Mixtral, DeepSeek (Hugging Face); wq ... w3 (Meta); c_attn, c_fc (GPT-2);
 * query_key_value, dense_h_to_4h (GPT-NeoX, Falcon, BLOOM); attention.self, intermediate (BERT);
 * attn_q, ffn_gate, token_embd (GGUF).
 */
static const struct {
    const char *word, *also;
    enum role role;
} words[] = {
    {"rotary", NULL, ROLE_BUFFER},
    {"inv_freq", NULL, ROLE_BUFFER},
    {"freq_cis", NULL, ROLE_BUFFER},
    {"rope_freqs", NULL, ROLE_BUFFER},
    {"masked_bias", NULL, ROLE_BUFFER},
    {"position_ids", NULL, ROLE_BUFFER},
    {"basis_buffer", NULL, ROLE_BUFFER},
    {"stft", NULL, ROLE_BUFFER},
    {"mel_filter", NULL, ROLE_BUFFER},
    {"norm", NULL, ROLE_NORM},
    {"LayerNorm", NULL, ROLE_NORM},
    {"ln_", NULL, ROLE_NORM},
    {"ffn_gate_inp", NULL, ROLE_ROUTER},
    {"mlp.gate.", NULL, ROLE_ROUTER},
    {"block_sparse_moe.gate", NULL, ROLE_ROUTER},
    {"router", NULL, ROLE_ROUTER},
    {"position_embeddings", NULL, ROLE_POSITION},
    {"token_type_embeddings", NULL, ROLE_POSITION},
    {"token_types", NULL, ROLE_POSITION},
    {"position_embd", NULL, ROLE_POSITION},
    {"embed_positions", NULL, ROLE_POSITION},
    {"wpe", NULL, ROLE_POSITION},
    {"embed_tokens", NULL, ROLE_EMBEDDING},
    {"tok_embeddings", NULL, ROLE_EMBEDDING},
    {"token_embd", NULL, ROLE_EMBEDDING},
    {"word_embeddings", NULL, ROLE_EMBEDDING},
    {"wte", NULL, ROLE_EMBEDDING},
    {"embed_in", NULL, ROLE_EMBEDDING},
    {"lm_head", NULL, ROLE_HEAD},
    {"embed_out", NULL, ROLE_HEAD},
    {"predictions.decoder", NULL, ROLE_HEAD},
    {"q_a_proj", NULL, ROLE_LATENT},
    {"q_b_proj", NULL, ROLE_LATENT},
    {"kv_a_proj", NULL, ROLE_LATENT},
    {"kv_b_proj", NULL, ROLE_LATENT},
    {"attn_q_a.", NULL, ROLE_LATENT},
    {"attn_q_b.", NULL, ROLE_LATENT},
    {"attn_kv_a", NULL, ROLE_LATENT},
    {"attn_kv_b", NULL, ROLE_LATENT},
    {"attn_k_b.", NULL, ROLE_LATENT},
    {"attn_v_b.", NULL, ROLE_LATENT},
    {"query_key_value", NULL, ROLE_QKV},
    {"c_attn", NULL, ROLE_QKV},
    {"qkv", NULL, ROLE_QKV},
    {"W_pack", NULL, ROLE_QKV},
    {"q_proj", NULL, ROLE_Q},
    {"attn_q", NULL, ROLE_Q},
    {".wq", NULL, ROLE_Q},
    {"k_proj", NULL, ROLE_K},
    {"attn_k", NULL, ROLE_K},
    {".wk", NULL, ROLE_K},
    {"v_proj", NULL, ROLE_V},
    {"attn_v", NULL, ROLE_V},
    {".wv", NULL, ROLE_V},
    {"attention.self.query", NULL, ROLE_Q},
    {"attention.self.key", NULL, ROLE_K},
    {"attention.self.value", NULL, ROLE_V},
    {"attention.output.dense", NULL, ROLE_O},
    {"attn.out_proj", NULL, ROLE_O},
    {"self_attn.dense", NULL, ROLE_O},
    {"o_proj", NULL, ROLE_O},
    {"attn_output", NULL, ROLE_O},
    {".wo", NULL, ROLE_O},
    {"c_proj", "attn", ROLE_O},
    {"dense_h_to_4h", NULL, ROLE_UP},
    {"dense_4h_to_h", NULL, ROLE_DOWN},
    {"attention.dense", NULL, ROLE_O},
    {"gate_proj", NULL, ROLE_GATE},
    {"ffn_gate", NULL, ROLE_GATE},
    {".w1", NULL, ROLE_GATE},
    {"up_proj", NULL, ROLE_UP},
    {"ffn_up", NULL, ROLE_UP},
    {".w3", NULL, ROLE_UP},
    {"c_fc", NULL, ROLE_UP},
    {"fc_in", NULL, ROLE_UP},
    {"mlp.fc1", NULL, ROLE_UP},
    {"down_proj", NULL, ROLE_DOWN},
    {"ffn_down", NULL, ROLE_DOWN},
    {".w2", NULL, ROLE_DOWN},
    {"c_proj", "mlp", ROLE_DOWN},
    {"intermediate.dense", NULL, ROLE_UP},
    {"output.dense", NULL, ROLE_DOWN},
    {"fc_out", NULL, ROLE_DOWN},
    {"mlp.fc2", NULL, ROLE_DOWN},
};

/* The number of the path component after a word that has a dot before or nothing, or -1. */
static long number_after(const char *name, const char *const *before)
{
    for (; *before; before++)
        for (const char *at = strstr(name, *before); at; at = strstr(at + 1, *before)) {
            const char *digits = at + strlen(*before);
            if ((at == name || at[-1] == '.') && isdigit((unsigned char)*digits))
                return strtol(digits, NULL, 10) % 1000000;
        }
    return -1;
}

struct named_role role_of(const char *name)
{
    static const char *const layers[] = {"layers.", "h.",     "blk.", "blocks.",
                                         "block.",  "layer.", NULL};
    static const char *const experts[] = {"experts.", NULL};
    struct named_role found = {ROLE_UNKNOWN, number_after(name, layers),
                               number_after(name, experts)};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strstr(name, words[i].word) && (!words[i].also || strstr(name, words[i].also))) {
            found.role = words[i].role;
            break;
        }
    if (found.role == ROLE_UNKNOWN && strcmp(name, "output.weight") == 0)
        found.role = ROLE_HEAD;
    return found;
}

const char *role_name(enum role role)
{
    static const char *const names[] = {"unknown", "embedding", "head",     "q",     "k",    "v",
                                        "qkv",     "o",         "gate",     "up",    "down", "norm",
                                        "router",  "buffer",    "position", "latent"};
    return names[role];
}

bool shape_of(const struct assay_tensor *t, struct shaped *s)
{
    int first = 0, last = t->rank;
    while (first < last && t->shape[first] == 1)
        first++;
    if (last - first < 2)
        return false;
    *s = (struct shaped){t->shape[first], t->shape[first + 1], 1};
    for (int i = first + 2; i < last; i++)
        s->inner *= t->shape[i];
    return s->out > 1 && s->in > 0 && s->inner > 0 && s->in * s->inner > 1;
}
