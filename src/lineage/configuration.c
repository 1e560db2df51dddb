/* SPDX-License-Identifier: Apache-2.0 */
/* Configurations: what is known of them, and how common it is to have the same. */
#include "base/csv.h"
#include "base/json.h"

#include <assay/lineage.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MOST_CONFIG ((size_t)4 << 20)
#define LEAST_KEYS 4
#define CLOSE 1e-5 /* relative: 9.99999975e-06 is 1e-5 */
#define MOST_FAMILIES 4096

static const char *const names[ASSAY_KEY_COUNT] = {
    "layers",     "width",   "heads",      "kv_heads", "ffn",
    "vocabulary", "context", "rope_theta", "norm_eps", "tied"};

const char *assay_configuration_key_name(enum assay_configuration_key key)
{
    return (size_t)key < ASSAY_KEY_COUNT ? names[key] : "unknown";
}

/* ---- config.json --------------------------------------------------------------------- */

static const char *const json_names[ASSAY_KEY_COUNT][4] = {
    {"num_hidden_layers", "n_layer", "num_layers", "n_layers"},
    {"hidden_size", "n_embd", "d_model", NULL},
    {"num_attention_heads", "n_head", "n_heads", NULL},
    {"num_key_value_heads", "multi_query_group_num", "num_kv_heads", NULL},
    {"intermediate_size", "ffn_hidden_size", "n_inner", NULL},
    {"vocab_size", "padded_vocab_size", NULL, NULL},
    {"max_position_embeddings", "n_positions", "seq_length", "max_seq_len"},
    {"rope_theta", "rotary_emb_base", NULL, NULL},
    {"rms_norm_eps", "layer_norm_eps", "layer_norm_epsilon", "layernorm_epsilon"},
    {"tie_word_embeddings", NULL, NULL, NULL}};

static void take_json(const json_t *root, struct assay_configuration *c)
{
    for (size_t k = 0; k < ASSAY_KEY_COUNT; k++)
        for (size_t i = 0; i < 4 && json_names[k][i] && isnan(c->value[k]); i++) {
            const json_t *value = json_object_get(root, json_names[k][i]);
            if (json_is_number(value))
                c->value[k] = json_number_value(value);
            else if (json_is_boolean(value))
                c->value[k] = json_is_true(value) ? 1 : 0;
        }
    if (isnan(c->value[ASSAY_KEY_KV_HEADS])) /* where it is not said all heads have their own */
        c->value[ASSAY_KEY_KV_HEADS] = c->value[ASSAY_KEY_HEADS];
}

/* The config.json at `path`, in it or beside it; false: there is none. */
static bool find_config(const char *path, char *config, size_t room)
{
    struct stat info;
    size_t n = strlen(path);
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
        snprintf(config, room, "%s/config.json", path);
        return stat(config, &info) == 0;
    }
    if (n >= 5 && strcmp(path + n - 5, ".json") == 0 && !strstr(path, "index.json")) {
        snprintf(config, room, "%s", path);
        return true;
    }
    const char *slash = strrchr(path, '/');
    snprintf(config, room, "%.*sconfig.json", slash ? (int)(slash + 1 - path) : 0, path);
    return stat(config, &info) == 0;
}

/* ---- from the checkpoint ------------------------------------------------------------- */

static bool ends_with(const char *text, const char *ending)
{
    size_t n = strlen(text), m = strlen(ending);
    return n >= m && strcmp(text + n - m, ending) == 0;
}

static void take_notes(const struct assay_checkpoint *checkpoint, struct assay_configuration *c)
{
    static const struct {
        const char *ending;
        enum assay_configuration_key key;
    } keys[] = {{".block_count", ASSAY_KEY_LAYERS},
                {".embedding_length", ASSAY_KEY_WIDTH},
                {".attention.head_count", ASSAY_KEY_HEADS},
                {".attention.head_count_kv", ASSAY_KEY_KV_HEADS},
                {".feed_forward_length", ASSAY_KEY_FFN},
                {".vocab_size", ASSAY_KEY_VOCABULARY},
                {".context_length", ASSAY_KEY_CONTEXT},
                {".rope.freq_base", ASSAY_KEY_ROPE_THETA},
                {".attention.layer_norm_rms_epsilon", ASSAY_KEY_NORM_EPS},
                {".attention.layer_norm_epsilon", ASSAY_KEY_NORM_EPS}};
    for (size_t i = 0; i < checkpoint->note_count; i++) {
        const struct assay_checkpoint_note *note = &checkpoint->notes[i];
        double value = NAN;
        unsigned long long count = 0;
        for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++)
            if (ends_with(note->key, keys[k].ending) && csv_number(note->value, &value) &&
                isnan(c->value[keys[k].key]))
                c->value[keys[k].key] = value;
        if (strcmp(note->key, "tokenizer.ggml.tokens") == 0 &&
            sscanf(note->value, "[%llu values]", &count) == 1 &&
            isnan(c->value[ASSAY_KEY_VOCABULARY]))
            c->value[ASSAY_KEY_VOCABULARY] = (double)count;
    }
}

/* The number after "layers." or "blk." or "h." in a name, or -1. */
static long layer_in(const char *name)
{
    static const char *const before[] = {"layers.", "blk.", "h.", "blocks."};
    for (size_t i = 0; i < sizeof before / sizeof before[0]; i++) {
        const char *at = strstr(name, before[i]);
        if (at && (at == name || at[-1] == '.')) {
            char *end;
            long layer = strtol(at + strlen(before[i]), &end, 10);
            if (end > at + strlen(before[i]) && layer >= 0 && layer < 100000)
                return layer;
        }
    }
    return -1;
}

static void take_shapes(const struct assay_checkpoint *checkpoint, struct assay_configuration *c)
{
    static const char *const embeddings[] = {"embed_tokens.weight", "tok_embeddings.weight",
                                             "token_embd.weight", "wte.weight"};
    static const char *const gates[] = {"gate_proj.weight", "ffn_gate.weight",
                                        "feed_forward.w1.weight"};
    long layers = 0;
    for (size_t i = 0; i < checkpoint->count; i++) {
        const struct assay_tensor *t = &checkpoint->tensors[i];
        long layer = layer_in(t->name);
        layers = layer + 1 > layers ? layer + 1 : layers;
        for (size_t k = 0; k < 4 && t->rank == 2; k++)
            if (ends_with(t->name, embeddings[k])) {
                if (isnan(c->value[ASSAY_KEY_VOCABULARY]))
                    c->value[ASSAY_KEY_VOCABULARY] = (double)t->shape[0];
                if (isnan(c->value[ASSAY_KEY_WIDTH]))
                    c->value[ASSAY_KEY_WIDTH] = (double)t->shape[1];
            }
        for (size_t k = 0; k < 3 && t->rank == 2; k++)
            if (ends_with(t->name, gates[k]) && isnan(c->value[ASSAY_KEY_FFN]))
                c->value[ASSAY_KEY_FFN] = (double)t->shape[0];
    }
    if (layers > 0 && isnan(c->value[ASSAY_KEY_LAYERS]))
        c->value[ASSAY_KEY_LAYERS] = (double)layers;
}

assay_status assay_configuration_read(const char *path, const struct assay_checkpoint *checkpoint,
                                      struct assay_configuration *c, struct assay_error *error)
{
    char config[4200];
    for (size_t k = 0; k < ASSAY_KEY_COUNT; k++)
        c->value[k] = NAN;
    if (find_config(path, config, sizeof config)) {
        json_t *root = NULL;
        ASSAY_TRY(json_read(config, MOST_CONFIG, &root, error));
        take_json(root, c);
        json_decref(root);
    }
    if (checkpoint) {
        take_notes(checkpoint, c);
        take_shapes(checkpoint, c);
    }
    return ASSAY_OK;
}

/* ---- how common ---------------------------------------------------------------------- */

static bool close_to(double a, double b)
{
    return fabs(a - b) <= CLOSE * fmax(fabs(a), fabs(b));
}

/* A table's cell as a number; NaN where it is empty. "yes" is 1, "no" is 0. */
static bool cell_value(const char *cell, double *value)
{
    *value = NAN;
    if (!cell[0])
        return true;
    if (strcmp(cell, "yes") == 0 || strcmp(cell, "no") == 0) {
        *value = cell[0] == 'y';
        return true;
    }
    return csv_number(cell, value);
}

struct table {
    struct csv csv;
    int family, columns[ASSAY_KEY_COUNT];
};

static assay_status read_table(const char *models, struct assay_arena *arena, struct table *t,
                               struct assay_error *error)
{
    ASSAY_TRY(csv_read(models, arena, &t->csv, error));
    t->family = csv_column(&t->csv, "family");
    bool good = t->family >= 0 && t->csv.count <= MOST_FAMILIES;
    for (size_t k = 0; k < ASSAY_KEY_COUNT; k++) {
        t->columns[k] = csv_column(&t->csv, names[k]);
        good = good && t->columns[k] >= 0;
    }
    return good ? ASSAY_OK
                : assay_error_at(error, ASSAY_ERROR_INPUT, models, 1,
                                 "expected the columns family, layers, width, heads, kv_heads, "
                                 "ffn, vocabulary, context, rope_theta, norm_eps, tied and at most "
                                 "%d rows",
                                 MOST_FAMILIES);
}

/* Counts one family, from its first row on. */
static assay_status count_family(const struct table *t, size_t first,
                                 const struct assay_configuration *a,
                                 struct assay_configuration_likeness *l, struct assay_error *error)
{
    bool has[ASSAY_KEY_COUNT] = {false}, states[ASSAY_KEY_COUNT] = {false}, whole = false;
    const char *family = t->csv.rows[first].cells[t->family];
    for (size_t i = first; i < t->csv.count; i++) {
        const struct csv_row *row = &t->csv.rows[i];
        bool all = true;
        if (strcmp(row->cells[t->family], family) != 0)
            continue;
        for (size_t k = 0; k < ASSAY_KEY_COUNT; k++) {
            double value;
            if (!cell_value(row->cells[t->columns[k]], &value))
                return assay_error_at(error, ASSAY_ERROR_INPUT, t->csv.path, row->line,
                                      "%s: expected a number, found \"%.40s\"", names[k],
                                      row->cells[t->columns[k]]);
            bool equal = l->keys[k].known && close_to(value, a->value[k]);
            states[k] = states[k] || !isnan(value);
            has[k] = has[k] || equal;
            /* what a row does not state may be the same */
            all = all && (!l->keys[k].equal || isnan(value) || equal);
        }
        whole = whole || all;
    }
    l->families++;
    l->alike += whole;
    for (size_t k = 0; k < ASSAY_KEY_COUNT; k++) {
        l->keys[k].families += has[k];
        l->keys[k].stated += states[k];
    }
    return ASSAY_OK;
}

static assay_status count_families(const struct table *t, const struct assay_configuration *a,
                                   struct assay_configuration_likeness *l,
                                   struct assay_error *error)
{
    for (size_t i = 0; i < t->csv.count; i++) {
        bool seen = false;
        for (size_t k = 0; k < i && !seen; k++)
            seen = strcmp(t->csv.rows[k].cells[t->family], t->csv.rows[i].cells[t->family]) == 0;
        if (!seen)
            ASSAY_TRY(count_family(t, i, a, l, error));
    }
    return ASSAY_OK;
}

assay_status assay_configurations_compare(const struct assay_configuration *a,
                                          const struct assay_configuration *b, const char *models,
                                          struct assay_configuration_likeness *l,
                                          struct assay_error *error)
{
    struct table table;
    struct assay_arena *arena = assay_arena_new();
    *l = (struct assay_configuration_likeness){.log10_lr = NAN};
    for (size_t k = 0; k < ASSAY_KEY_COUNT; k++) {
        l->keys[k].known = !isnan(a->value[k]) && !isnan(b->value[k]);
        l->keys[k].equal = l->keys[k].known && close_to(a->value[k], b->value[k]);
        l->known += l->keys[k].known;
        l->equal += l->keys[k].equal;
    }
    assay_status status = arena
                              ? read_table(models, arena, &table, error)
                              : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    if (status == ASSAY_OK)
        status = count_families(&table, a, l, error);
    assay_arena_free(arena);
    if (status == ASSAY_OK && l->known >= LEAST_KEYS && l->equal == l->known)
        l->log10_lr = log10((double)(l->families + 1) / (double)(l->alike + 1));
    return status;
}
