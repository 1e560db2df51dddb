/* SPDX-License-Identifier: Apache-2.0 */
/* What a checkpoint is: family, sizes, parameters, and what each tensor does. */
#include "lineage/roles.h"

#include "base/json.h"

#include <assay/lineage.h>

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define LEAST_NAMED 1 /* tensors with a role by name, from which names are believed */

/* ---- the family ---------------------------------------------------------------------- */

static bool any_name(const struct assay_checkpoint *c, const char *word)
{
    for (size_t i = 0; i < c->count; i++)
        if (strstr(c->tensors[i].name, word))
            return true;
    return false;
}

/* Names that only one family's files use come first. */
static const char *family_by_names(const struct assay_checkpoint *c)
{
    static const struct {
        const char *word, *family;
    } names[] = {{"gpt_neox.", "gpt_neox"},
                 {"attn.c_attn", "gpt2"},
                 {"self_attention.query_key_value", "falcon or bloom"},
                 {"block_sparse_moe.", "mixtral"},
                 {"kv_a_proj", "deepseek"},
                 {"pre_feedforward_layernorm", "gemma2 or gemma3"},
                 {"model.decoder.layers.", "opt"},
                 {"attention.self.query", "bert"},
                 {"self_attn.q_norm", "qwen3 or kin"},
                 {"self_attn.q_proj.bias", "qwen2 or kin"},
                 {"mlp.fc1", "phi"},
                 {"attention.wqkv", "internlm2"},
                 {"feed_forward.w1", "llama or kin, Meta's names"},
                 {"self_attn.q_proj", "llama or kin"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (any_name(c, names[i].word))
            return names[i].family;
    return NULL;
}

/* model_type of the config.json in the folder of `path`, or beside the file; "" without. */
static void family_by_config(const char *path, char family[64])
{
    char config[4200];
    struct stat info;
    json_t *root;
    const char *slash = strrchr(path, '/');
    bool folder = stat(path, &info) == 0 && S_ISDIR(info.st_mode);
    snprintf(config, sizeof config, "%.*s%sconfig.json",
             folder  ? (int)strlen(path)
             : slash ? (int)(slash + 1 - path)
                     : 0,
             path, folder ? "/" : "");
    family[0] = '\0';
    if (stat(config, &info) != 0 || json_read(config, (size_t)4 << 20, &root, NULL) != ASSAY_OK)
        return;
    const char *type = json_string_value(json_object_get(root, "model_type"));
    snprintf(family, 64, "%.60s", type ? type : "");
    json_decref(root);
}

static void find_family(const char *path, const struct assay_checkpoint *c,
                        struct assay_checkpoint_summary *s)
{
    family_by_config(path, s->family);
    s->family_from = s->family[0] ? "config.json" : NULL;
    for (size_t i = 0; i < c->note_count && !s->family[0]; i++)
        if (strcmp(c->notes[i].key, "general.architecture") == 0) {
            snprintf(s->family, sizeof s->family, "%.60s", c->notes[i].value);
            s->family_from = "its GGUF key";
        }
    const char *by_names = s->family[0] ? NULL : family_by_names(c);
    if (by_names) {
        snprintf(s->family, sizeof s->family, "%s", by_names);
        s->family_from = "names";
    }
}

/* ---- sizes that the configuration does not state -------------------------------------- */

static void count_heads(const struct assay_checkpoint *c, struct assay_checkpoint_summary *s)
{
    double *heads = &s->configuration.value[ASSAY_KEY_HEADS];
    double *kv_heads = &s->configuration.value[ASSAY_KEY_KV_HEADS];
    uint64_t head = 0;
    for (size_t i = 0; i < c->count; i++) /* a norm on each head's queries is one head long */
        if (c->tensors[i].rank == 1 && strstr(c->tensors[i].name, "q_norm"))
            head = c->tensors[i].shape[0];
    for (size_t i = 0; i < c->count; i++) {
        const struct assay_tensor *t = &c->tensors[i];
        enum role role = role_of(t->name).role;
        if (t->rank != 2 || (role != ROLE_Q && role != ROLE_K))
            continue;
        double *to = role == ROLE_Q ? heads : kv_heads;
        if (!isnan(*to))
            continue;
        if (t->rotary_heads) {
            *to = (double)t->rotary_heads;
        } else if (head > 0 && t->shape[0] % head == 0) {
            uint64_t count = t->shape[0] / head;
            *to = (double)count;
        }
    }
}

static uint64_t count_experts(const struct assay_checkpoint *c)
{
    uint64_t most = 0;
    for (size_t i = 0; i < c->count; i++) {
        const struct assay_tensor *t = &c->tensors[i];
        long expert = role_of(t->name).expert;
        if (expert >= 0 && (uint64_t)expert + 1 > most)
            most = (uint64_t)expert + 1;
        if (t->rank == 3 && (strstr(t->name, "_exps.") || strstr(t->name, "experts.")) &&
            t->shape[0] > most)
            most = t->shape[0];
    }
    return most;
}

/* ---- the whole ----------------------------------------------------------------------- */

assay_status assay_checkpoint_summarise(const char *path, const struct assay_checkpoint *c,
                                        struct assay_checkpoint_summary *s,
                                        struct assay_error *error)
{
    size_t named = 0;
    memset(s, 0, sizeof *s);
    ASSAY_TRY(assay_configuration_read(path, c, &s->configuration, error));
    s->arena = assay_arena_new();
    const char **roles = s->arena ? assay_arena_alloc(s->arena, c->count + 1, sizeof *roles) : NULL;
    bool good = roles != NULL;
    for (size_t i = 0; i < c->count && good; i++) {
        enum role role = role_of(c->tensors[i].name).role;
        roles[i] = role_name(role);
        named += role != ROLE_UNKNOWN && role != ROLE_NORM && role != ROLE_BUFFER;
        if (assay_dtype_is_real(c->tensors[i].dtype) && role != ROLE_BUFFER)
            s->parameters += c->tensors[i].elements;
    }
    s->by_shape = named < LEAST_NAMED;
    if (good && s->by_shape)
        good = roles_by_shape(c, roles);
    if (!good) {
        assay_checkpoint_summary_free(s);
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    }
    s->roles = roles;
    find_family(path, c, s);
    count_heads(c, s);
    s->experts = count_experts(c);
    return ASSAY_OK;
}

void assay_checkpoint_summary_free(struct assay_checkpoint_summary *summary)
{
    assay_arena_free(summary->arena);
    memset(summary, 0, sizeof *summary);
}
