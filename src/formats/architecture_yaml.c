/* SPDX-License-Identifier: Apache-2.0 */
/* Architectures in Assay's own YAML: a map whose keys are the fields of the struct. */
#include <assay/formats.h>

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define MOST ((int64_t)1 << 40)

#define COUNT(name)                                                                                \
    {                                                                                              \
#name, offsetof(struct assay_architecture, name)                                           \
    }

struct field {
    const char *key;
    size_t offset;
};

static const struct field counts[] = {
    COUNT(layers),        COUNT(hidden),        COUNT(vocabulary),  COUNT(positions),
    COUNT(heads),         COUNT(kv_heads),      COUNT(head_dim),    COUNT(q_rank),
    COUNT(kv_rank),       COUNT(nope_dim),      COUNT(rope_dim),    COUNT(value_dim),
    COUNT(window),        COUNT(ffn),           COUNT(experts),     COUNT(experts_active),
    COUNT(expert_ffn),    COUNT(shared_ffn),    COUNT(dense_first), COUNT(moe_every),
    COUNT(expert_groups), COUNT(groups_active), COUNT(mtp_layers),  COUNT(norms_per_layer),
};

static const struct field flags[] = {
    COUNT(gated),    COUNT(shared_gate),  COUNT(router_bias), COUNT(final_norm),
    COUNT(qk_norm),  COUNT(qk_norm_full), COUNT(qkv_bias),    COUNT(out_bias),
    COUNT(mlp_bias), COUNT(head_bias),    COUNT(tied),
};

static assay_status read_text(struct assay_yaml *map, const char *key, char *to, size_t size,
                              struct assay_error *error)
{
    struct assay_yaml *node = assay_yaml_get(map, key);
    const char *text;
    if (!node)
        return ASSAY_OK;
    ASSAY_TRY(assay_yaml_text(node, &text, error));
    if (strlen(text) >= size)
        return assay_error_at(error, ASSAY_ERROR_INPUT, node->file, node->line,
                              "%s: expected at most %zu characters", key, size - 1);
    memcpy(to, text, strlen(text) + 1);
    return ASSAY_OK;
}

static assay_status read_kinds(struct assay_yaml *map, struct assay_architecture *a,
                               struct assay_error *error)
{
    static const char *const attentions[] = {"grouped", "latent"};
    static const char *const norms[] = {"rms", "layer", "none"};
    struct assay_yaml *node = assay_yaml_get(map, "attention");
    size_t index;
    if (node) {
        ASSAY_TRY(assay_yaml_choice(node, attentions, 2, &index, error));
        a->attention = (enum assay_attention_kind)index;
    }
    node = assay_yaml_get(map, "norm");
    if (node) {
        ASSAY_TRY(assay_yaml_choice(node, norms, 3, &index, error));
        a->norm = (enum assay_norm_kind)index;
    }
    return ASSAY_OK;
}

/* What follows from other fields where it is not stated. */
static assay_status derive(struct assay_yaml *map, struct assay_architecture *a,
                           struct assay_error *error)
{
    if (!assay_yaml_get(map, "kv_heads"))
        a->kv_heads = a->heads;
    if (a->attention == ASSAY_ATTENTION_GROUPED && !assay_yaml_get(map, "head_dim")) {
        if (a->heads < 1 || a->hidden % a->heads != 0)
            return assay_error_at(error, ASSAY_ERROR_INPUT, map->file, map->line,
                                  "heads %lld does not divide hidden %lld: state head_dim",
                                  (long long)a->heads, (long long)a->hidden);
        a->head_dim = a->hidden / a->heads;
    }
    return ASSAY_OK;
}

assay_status assay_architecture_read_yaml(struct assay_yaml *map,
                                          struct assay_architecture *architecture,
                                          struct assay_error *error)
{
    static const char *const needed[] = {"layers", "hidden", "vocabulary", "heads"};
    struct assay_yaml *node;

    assay_architecture_default(architecture);
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
        ASSAY_TRY(assay_yaml_need(map, needed[i], &node, error));
    ASSAY_TRY(read_text(map, "name", architecture->name, sizeof architecture->name, error));
    ASSAY_TRY(read_text(map, "family", architecture->family, sizeof architecture->family, error));
    ASSAY_TRY(read_kinds(map, architecture, error));
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        int64_t value;
        node = assay_yaml_get(map, counts[i].key);
        if (!node)
            continue;
        ASSAY_TRY(assay_yaml_count(node, 0, MOST, &value, error));
        memcpy((char *)architecture + counts[i].offset, &value, sizeof value);
    }
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        bool value;
        node = assay_yaml_get(map, flags[i].key);
        if (!node)
            continue;
        ASSAY_TRY(assay_yaml_flag(node, &value, error));
        memcpy((char *)architecture + flags[i].offset, &value, sizeof value);
    }
    ASSAY_TRY(assay_yaml_finish(map, error)); /* a slip explains itself better than what it lacks */
    ASSAY_TRY(derive(map, architecture, error));
    return assay_architecture_check(architecture, map->file, map->line, error);
}
