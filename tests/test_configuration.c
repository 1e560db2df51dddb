/* SPDX-License-Identifier: Apache-2.0 */
/* Configurations: read from config.json, and weighed by how common they are. */
#include <assay/lineage.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define FOLDER "configuration_test"

static const char llama[] =
    "{\"hidden_size\": 4096, \"intermediate_size\": 11008, \"num_attention_heads\": 32,"
    " \"num_hidden_layers\": 32, \"vocab_size\": 32000, \"tie_word_embeddings\": false}";
static const char unusual[] =
    "{\"n_embd\": 4099, \"n_inner\": 11111, \"n_head\": 31, \"n_layer\": 29,"
    " \"vocab_size\": 77777, \"tie_word_embeddings\": true}";

static const char *models(void)
{
    const char *source = getenv("ASSAY_SOURCE");
    static char path[4200];
    snprintf(path, sizeof path, "%s/data/models.csv", source ? source : "..");
    return path;
}

static assay_status read_text(const char *text, struct assay_configuration *c,
                              struct assay_error *error)
{
    mkdir(FOLDER, 0777);
    assert_int_equal(assay_file_write(FOLDER "/config.json", text, strlen(text), error), ASSAY_OK);
    assay_status status = assay_configuration_read(FOLDER, NULL, c, error);
    unlink(FOLDER "/config.json");
    rmdir(FOLDER);
    return status;
}

static struct assay_configuration_likeness compare(const char *a, const char *b)
{
    struct assay_configuration ca, cb;
    struct assay_configuration_likeness l;
    struct assay_error error = {.message = ""};
    if (read_text(a, &ca, &error) != ASSAY_OK || read_text(b, &cb, &error) != ASSAY_OK ||
        assay_configurations_compare(&ca, &cb, models(), &l, &error) != ASSAY_OK)
        fail_msg("%s", error.message);
    return l;
}

static void names_of_every_house_are_understood(void **state)
{
    (void)state;
    struct assay_configuration c;
    struct assay_error error;
    assert_int_equal(read_text(llama, &c, &error), ASSAY_OK);
    assert_true(c.value[ASSAY_KEY_WIDTH] == 4096 && c.value[ASSAY_KEY_LAYERS] == 32);
    assert_true(c.value[ASSAY_KEY_KV_HEADS] == 32); /* not stated: each head its own */
    assert_true(c.value[ASSAY_KEY_TIED] == 0 && isnan(c.value[ASSAY_KEY_ROPE_THETA]));
    assert_int_equal(read_text(unusual, &c, &error), ASSAY_OK);
    assert_true(c.value[ASSAY_KEY_WIDTH] == 4099 && c.value[ASSAY_KEY_FFN] == 11111);
    assert_true(c.value[ASSAY_KEY_HEADS] == 31 && c.value[ASSAY_KEY_TIED] == 1);
}

static void a_public_recipe_weighs_less_than_an_unusual_one(void **state)
{
    (void)state;
    struct assay_configuration_likeness common = compare(llama, llama);
    struct assay_configuration_likeness rare = compare(unusual, unusual);
    assert_true(common.alike >= 2 && rare.alike == 0);
    assert_int_equal(common.families, rare.families);
    assert_true(common.keys[ASSAY_KEY_WIDTH].families > 10);
    assert_true(common.log10_lr < rare.log10_lr - 0.4);
    assert_float_equal(rare.log10_lr, log10(1.0 + (double)rare.families), 1e-12);
    assert_float_equal(common.log10_lr,
                       log10((1.0 + (double)common.families) / (1.0 + (double)common.alike)),
                       1e-12);
}

static void different_configurations_get_no_ratio(void **state)
{
    (void)state;
    struct assay_configuration_likeness l = compare(llama, unusual);
    assert_true(isnan(l.log10_lr) && l.equal == 0 && l.known > 4);
    struct assay_configuration_likeness few =
        compare("{\"hidden_size\": 64}", "{\"hidden_size\": 64}");
    assert_true(isnan(few.log10_lr) && few.known == 1 && few.equal == 1);
}

static void nothing_known_is_no_error_and_broken_is_one(void **state)
{
    (void)state;
    struct assay_configuration c;
    struct assay_configuration_likeness l;
    struct assay_error error = {.message = ""};
    assert_int_equal(assay_configuration_read("/nowhere/model.bin", NULL, &c, &error), ASSAY_OK);
    for (int k = 0; k < ASSAY_KEY_COUNT; k++)
        assert_true(isnan(c.value[k]));
    assert_int_equal(read_text("{\"hidden_size\": ", &c, &error), ASSAY_ERROR_INPUT);
    assert_int_equal(
        assay_file_write("configuration_models.csv", "model,family\na,b\n", 17, &error), ASSAY_OK);
    assert_int_equal(assay_configurations_compare(&c, &c, "configuration_models.csv", &l, &error),
                     ASSAY_ERROR_INPUT);
    assert_non_null(strstr(error.message, "layers"));
    unlink("configuration_models.csv");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_every_house_are_understood),
        cmocka_unit_test(a_public_recipe_weighs_less_than_an_unusual_one),
        cmocka_unit_test(different_configurations_get_no_ratio),
        cmocka_unit_test(nothing_known_is_no_error_and_broken_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
