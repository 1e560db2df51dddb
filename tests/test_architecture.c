/* SPDX-License-Identifier: Apache-2.0 */
/* Architectures: counts equal the published ones; what cannot exist is refused with its place. */
#include "formats/config.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/*
 * `total` is the exact number of weights in the published checkpoint (its safetensors metadata,
 * or for GPT-2 the paper's code); where the makers publish only a rounded size of the active
 * part, `active` is that, in billions, to the digits they print. Active of a dense model is all.
 */
static const struct model {
    const char *name, *config;
    int64_t total;
    double active, active_digits; /* billions; the unit of the last printed digit */
} models[] = {
    {"Llama-2-7B", "{\"model_type\":\"llama\"}", 6738415616, 0, 0},
    {"Llama-2-13B",
     "{\"model_type\":\"llama\",\"hidden_size\":5120,\"intermediate_size\":13824,"
     "\"num_hidden_layers\":40,\"num_attention_heads\":40}",
     13015864320, 0, 0},
    {"Llama-2-70B",
     "{\"model_type\":\"llama\",\"hidden_size\":8192,\"intermediate_size\":28672,"
     "\"num_hidden_layers\":80,\"num_attention_heads\":64,\"num_key_value_heads\":8}",
     68976648192, 0, 0},
    {"Llama-3-8B",
     "{\"model_type\":\"llama\",\"intermediate_size\":14336,\"num_key_value_heads\":8,"
     "\"vocab_size\":128256}",
     8030261248, 0, 0},
    {"Llama-3-70B",
     "{\"model_type\":\"llama\",\"hidden_size\":8192,\"intermediate_size\":28672,"
     "\"num_hidden_layers\":80,\"num_attention_heads\":64,\"num_key_value_heads\":8,"
     "\"vocab_size\":128256}",
     70553706496, 0, 0},
    {"Llama-3.1-405B",
     "{\"model_type\":\"llama\",\"hidden_size\":16384,\"intermediate_size\":53248,"
     "\"num_hidden_layers\":126,\"num_attention_heads\":128,\"num_key_value_heads\":8,"
     "\"vocab_size\":128256}",
     405853388800, 0, 0},
    {"Llama-3.2-1B",
     "{\"model_type\":\"llama\",\"hidden_size\":2048,\"intermediate_size\":8192,"
     "\"num_hidden_layers\":16,\"num_key_value_heads\":8,\"head_dim\":64,"
     "\"vocab_size\":128256,\"tie_word_embeddings\":true}",
     1235814400, 0, 0},
    {"Mistral-7B-v0.1", "{\"model_type\":\"mistral\",\"sliding_window\":4096}", 7241732096, 0, 0},
    {"Mixtral-8x7B",
     "{\"model_type\":\"mixtral\",\"num_key_value_heads\":8,\"sliding_window\":null}", 46702792704,
     12.9, 0.1},
    {"Mixtral-8x22B",
     "{\"model_type\":\"mixtral\",\"hidden_size\":6144,\"intermediate_size\":16384,"
     "\"num_hidden_layers\":56,\"num_attention_heads\":48,\"num_key_value_heads\":8,"
     "\"vocab_size\":32768}",
     140630071296, 39, 1},
    {"Qwen2.5-0.5B",
     "{\"model_type\":\"qwen2\",\"hidden_size\":896,\"intermediate_size\":4864,"
     "\"num_hidden_layers\":24,\"num_attention_heads\":14,\"num_key_value_heads\":2,"
     "\"tie_word_embeddings\":true}",
     494032768, 0, 0},
    {"Qwen2.5-7B",
     "{\"model_type\":\"qwen2\",\"hidden_size\":3584,\"intermediate_size\":18944,"
     "\"num_hidden_layers\":28,\"num_attention_heads\":28,\"num_key_value_heads\":4,"
     "\"vocab_size\":152064}",
     7615616512, 0, 0},
    {"Qwen2.5-72B",
     "{\"model_type\":\"qwen2\",\"hidden_size\":8192,\"intermediate_size\":29568,"
     "\"num_hidden_layers\":80,\"num_attention_heads\":64,\"num_key_value_heads\":8,"
     "\"vocab_size\":152064}",
     72706203648, 0, 0},
    {"Qwen3-8B",
     "{\"model_type\":\"qwen3\",\"intermediate_size\":12288,\"num_hidden_layers\":36,"
     "\"num_key_value_heads\":8,\"head_dim\":128}",
     8190735360, 0, 0},
    {"Qwen1.5-MoE-A2.7B", "{\"model_type\":\"qwen2_moe\"}", 14315784192, 2.7, 0.1},
    {"Qwen3-30B-A3B", "{\"model_type\":\"qwen3_moe\",\"num_hidden_layers\":48,\"head_dim\":128}",
     30532122624, 3.3, 0.1},
    {"Qwen3-235B-A22B",
     "{\"model_type\":\"qwen3_moe\",\"hidden_size\":4096,\"num_hidden_layers\":94,"
     "\"num_attention_heads\":64,\"num_key_value_heads\":4,\"head_dim\":128,"
     "\"moe_intermediate_size\":1536}",
     235093634560, 22, 1},
    {"DeepSeek-V2-Lite",
     "{\"model_type\":\"deepseek_v2\",\"hidden_size\":2048,\"intermediate_size\":10944,"
     "\"num_hidden_layers\":27,\"num_attention_heads\":16,\"q_lora_rank\":null,"
     "\"n_routed_experts\":64,\"num_experts_per_tok\":6,\"moe_intermediate_size\":1408,"
     "\"n_shared_experts\":2,\"first_k_dense_replace\":1}",
     15706484224, 2.4, 0.4},
    {"DeepSeek-V2",
     "{\"model_type\":\"deepseek_v2\",\"hidden_size\":5120,\"intermediate_size\":12288,"
     "\"num_hidden_layers\":60,\"num_attention_heads\":128,\"n_routed_experts\":160,"
     "\"num_experts_per_tok\":6,\"moe_intermediate_size\":1536,\"n_shared_experts\":2,"
     "\"first_k_dense_replace\":1,\"n_group\":8,\"topk_group\":3}",
     235741434880, 21, 1},
    {"DeepSeek-V3", "{\"model_type\":\"deepseek_v3\",\"num_nextn_predict_layers\":1}", 671026419200,
     37, 1},
    {"GPT-2", "{\"model_type\":\"gpt2\"}", 124439808, 0, 0},
    {"GPT-2 XL", "{\"model_type\":\"gpt2\",\"n_embd\":1600,\"n_layer\":48,\"n_head\":25}",
     1557611200, 0, 0},
    {"GPT-NeoX-20B", "{\"model_type\":\"gpt_neox\"}", 20554567680, 0, 0},
    {"Pythia-6.9B",
     "{\"model_type\":\"gpt_neox\",\"hidden_size\":4096,\"intermediate_size\":16384,"
     "\"num_hidden_layers\":32,\"num_attention_heads\":32}",
     6857302016, 0, 0},
    {"Falcon-7B", "{\"model_type\":\"falcon\"}", 6921720704, 0, 0},
    {"Falcon-40B",
     "{\"model_type\":\"falcon\",\"hidden_size\":8192,\"num_hidden_layers\":60,"
     "\"num_attention_heads\":128,\"num_kv_heads\":8,\"new_decoder_architecture\":true}",
     41303293952, 0, 0},
    {"Phi-2",
     "{\"model_type\":\"phi\",\"hidden_size\":2560,\"intermediate_size\":10240,"
     "\"num_hidden_layers\":32,\"num_attention_heads\":32}",
     2779683840, 0, 0},
    {"Phi-3-mini", "{\"model_type\":\"phi3\"}", 3821079552, 0, 0},
    {"Gemma-7B", "{\"model_type\":\"gemma\"}", 8537680896, 0, 0},
    {"Gemma-2-9B",
     "{\"model_type\":\"gemma2\",\"hidden_size\":3584,\"intermediate_size\":14336,"
     "\"num_hidden_layers\":42,\"num_attention_heads\":16,\"num_key_value_heads\":8}",
     9241705984, 0, 0},
    {"Gemma-3-1B",
     "{\"model_type\":\"gemma3_text\",\"hidden_size\":1152,\"intermediate_size\":6912,"
     "\"num_attention_heads\":4,\"num_key_value_heads\":1,\"vocab_size\":262144}",
     999885952, 0, 0},
    {"OLMo-7B", "{\"model_type\":\"olmo\"}", 6888095744, 0, 0},
    {"OLMo-2-7B", "{\"model_type\":\"olmo2\",\"vocab_size\":100352}", 7298617344, 0, 0},
    {"OLMoE-1B-7B", "{\"model_type\":\"olmoe\",\"intermediate_size\":1024}", 6919161856, 1.3, 0.1},
};

static assay_status parse(const char *config, struct assay_architecture *architecture,
                          struct assay_error *error)
{
    return config_parse("config.json", config, strlen(config), architecture, error);
}

static void counts_equal_the_published_ones_for_every_named_model(void **state)
{
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        const struct model *m = &models[i];
        struct assay_architecture a;
        struct assay_parameters p;
        struct assay_error error = {0};
        if (parse(m->config, &a, &error) != ASSAY_OK)
            fail_msg("%s: %s", m->name, error.message);
        assay_architecture_count(&a, &p);
        double active = (double)p.active / 1e9;
        bool right =
            p.total == m->total &&
            (m->active > 0 ? fabs(active - m->active) <= m->active_digits : p.active == p.total);
        if (!right)
            print_message("# %s: total %lld, published %lld; active %.3fB, published %.1fB\n",
                          m->name, (long long)p.total, (long long)m->total, active, m->active);
        wrong += !right;
    }
    assert_int_equal(wrong, 0);
}

static void parts_sum_to_the_total(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        struct assay_architecture a;
        struct assay_parameters p;
        assert_int_equal(parse(models[i].config, &a, NULL), ASSAY_OK);
        assay_architecture_count(&a, &p);
        assert_int_equal(p.embedding + p.head + p.attention + p.dense_mlp + p.experts + p.shared +
                             p.router + p.norms,
                         p.total);
        assert_int_equal(p.active - p.embedding, p.active_without_embedding);
        assert_true(p.active <= p.total);
    }
}

static void the_multi_token_layer_of_deepseek_v3_has_its_published_size(void **state)
{
    (void)state;
    struct assay_architecture a;
    struct assay_parameters p;
    assert_int_equal(
        parse("{\"model_type\":\"deepseek_v3\",\"num_nextn_predict_layers\":1}", &a, NULL),
        ASSAY_OK);
    assay_architecture_count(&a, &p);
    /* README_WEIGHTS.md of the release: 11.5B unique parameters in the module, rounded down */
    assert_true(p.mtp >= 11500000000 && p.mtp < 11650000000);
}

static void mixtures_stand_where_the_configuration_says(void **state)
{
    (void)state;
    struct assay_architecture a;
    assert_int_equal(parse("{\"model_type\":\"deepseek_v3\"}", &a, NULL), ASSAY_OK);
    assert_int_equal(assay_architecture_moe_layers(&a), 58);
    int64_t found = 0;
    for (int64_t i = 0; i < a.layers; i++)
        found += assay_architecture_is_moe(&a, i);
    assert_int_equal(found, 58);
    assert_false(assay_architecture_is_moe(&a, 2));
    assert_true(assay_architecture_is_moe(&a, 3));
}

static void impossible_configurations_are_refused_with_a_reason(void **state)
{
    (void)state;
    static const struct {
        const char *config, *part;
        assay_status status;
    } bad[] = {
        {"", "not JSON", ASSAY_ERROR_INPUT},
        {"{\"model_type\":\"llama\"", "not JSON", ASSAY_ERROR_INPUT},
        {"[1]", "expected a JSON object", ASSAY_ERROR_INPUT},
        {"{\"model_type\":7}", "model_type: expected text", ASSAY_ERROR_INPUT},
        {"{}", "expected one of llama", ASSAY_ERROR_UNSUPPORTED},
        {"{\"model_type\":\"bert\"}", "found \"bert\"", ASSAY_ERROR_UNSUPPORTED},
        {"{\"model_type\":\"llama\",\"model_type\":\"gpt2\"}", "not JSON", ASSAY_ERROR_INPUT},
        {"{\"model_type\":\"llama\",\"num_attention_heads\":33}", "a divisor of hidden_size",
         ASSAY_ERROR_INPUT},
        {"{\"model_type\":\"llama\",\"num_key_value_heads\":5}", "does not divide",
         ASSAY_ERROR_INPUT},
        {"{\"model_type\":\"llama\",\"num_hidden_layers\":-1}", "whole number", ASSAY_ERROR_INPUT},
        {"{\"model_type\":\"llama\",\"num_hidden_layers\":1e99}", "whole number",
         ASSAY_ERROR_INPUT},
        {"{\"model_type\":\"llama\",\"num_hidden_layers\":\"32\"}", "whole number",
         ASSAY_ERROR_INPUT},
        {"{\"model_type\":\"llama\",\"num_hidden_layers\":0}", "layers is 0", ASSAY_ERROR_INPUT},
        {"{\"model_type\":\"llama\",\"hidden_size\":2147483647,\"num_attention_heads\":1}",
         "hidden is 2147483647", ASSAY_ERROR_INPUT},
        {"{\"model_type\":\"mixtral\",\"num_experts_per_tok\":9}", "experts_active is 9",
         ASSAY_ERROR_INPUT},
        {"{\"model_type\":\"deepseek_v3\",\"n_group\":7}", "does not fit", ASSAY_ERROR_INPUT},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct assay_architecture a;
        struct assay_error error = {0};
        assert_int_equal(parse(bad[i].config, &a, &error), bad[i].status);
        if (!strstr(error.message, bad[i].part))
            fail_msg("%s: message \"%s\" lacks \"%s\"", bad[i].config, error.message, bad[i].part);
        assert_string_equal(error.file, "config.json");
    }
}

static void nesting_without_end_is_refused_not_followed(void **state)
{
    (void)state;
    static char deep[200000];
    struct assay_architecture a;
    struct assay_error error = {0};
    memset(deep, '[', sizeof deep - 1);
    assert_int_equal(parse(deep, &a, &error), ASSAY_ERROR_INPUT);
    assert_non_null(strstr(error.message, "levels"));
}

static const char deepseek_yaml[] = "name: DeepSeek-V3\n"
                                    "layers: 61\nhidden: 7168\nvocabulary: 129280\nheads: 128\n"
                                    "attention: latent\nq_rank: 1536\nkv_rank: 512\n"
                                    "nope_dim: 128\nrope_dim: 64\nvalue_dim: 128\nffn: 18432\n"
                                    "experts: 256\nexperts_active: 8\nexpert_ffn: 2048\n"
                                    "shared_ffn: 2048\ndense_first: 3\nexpert_groups: 8\n"
                                    "groups_active: 4\nrouter_bias: true\nmtp_layers: 1\n";

static assay_status parse_yaml(const char *text, struct assay_architecture *a,
                               struct assay_error *error)
{
    struct assay_arena *arena = assay_arena_new();
    struct assay_yaml *root;
    assay_status status = assay_yaml_parse("model.yaml", text, strlen(text), arena, &root, error);
    if (status == ASSAY_OK)
        status = assay_architecture_read_yaml(root, a, error);
    if (status == ASSAY_OK)
        status = assay_yaml_finish(root, error);
    assay_arena_free(arena);
    return status;
}

static void yaml_and_config_json_of_one_model_count_alike(void **state)
{
    (void)state;
    struct assay_architecture yaml, json;
    struct assay_parameters a, b;
    struct assay_error error = {0};
    if (parse_yaml(deepseek_yaml, &yaml, &error) != ASSAY_OK)
        fail_msg("%ld: %s", error.line, error.message);
    assert_int_equal(
        parse("{\"model_type\":\"deepseek_v3\",\"num_nextn_predict_layers\":1}", &json, NULL),
        ASSAY_OK);
    assay_architecture_count(&yaml, &a);
    assay_architecture_count(&json, &b);
    assert_memory_equal(&a, &b, sizeof a);
}

static void yaml_that_is_wrong_names_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
        long line;
    } bad[] = {
        {"layers: 2\nhidden: 64\nheads: 4\n", "\"vocabulary\"", 1},
        {"layers: 2\nhidden: 64\nheads: 4\nvocabulary: -5\n", "whole number", 4},
        {"layers: 2\nhidden: 64\nheads: 4\nvocabulary: 100\nlayer: 3\nffn: 9\n",
         "unknown key \"layer\" in the document; did you mean \"layers\"?", 5},
        {"layers: 2\nhidden: 65\nheads: 4\nvocabulary: 100\nffn: 9\n", "does not divide", 1},
        {"layers: 2\nhidden: 64\nheads: 4\nvocabulary: 100\ngated: perhaps\n", "true or false", 5},
        {"layers: 2\nlayers: 2\n", "stands twice, first in line 1", 2},
        {"layers: &a 2\nhidden: *a\n", "anchors", 1},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct assay_architecture a;
        struct assay_error error = {0};
        assert_int_equal(parse_yaml(bad[i].text, &a, &error), ASSAY_ERROR_INPUT);
        if (!strstr(error.message, bad[i].part))
            fail_msg("message \"%s\" lacks \"%s\"", error.message, bad[i].part);
        assert_int_equal(error.line, bad[i].line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_equal_the_published_ones_for_every_named_model),
        cmocka_unit_test(parts_sum_to_the_total),
        cmocka_unit_test(the_multi_token_layer_of_deepseek_v3_has_its_published_size),
        cmocka_unit_test(mixtures_stand_where_the_configuration_says),
        cmocka_unit_test(impossible_configurations_are_refused_with_a_reason),
        cmocka_unit_test(nesting_without_end_is_refused_not_followed),
        cmocka_unit_test(yaml_and_config_json_of_one_model_count_alike),
        cmocka_unit_test(yaml_that_is_wrong_names_its_line),
    };
    return cmocka_run_group_tests_name("architecture", tests, NULL, NULL);
}
