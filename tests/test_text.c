/* SPDX-License-Identifier: Apache-2.0 */
/* What people and programs write: quantities, YAML, CSV, JSON; good, bad and hostile. */
#include "base/csv.h"
#include "base/json.h"
#include "base/utf8.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- quantities ----------------------------------------------------------------------------- */

static void quantities_are_read_as_people_write_them(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum assay_unit unit;
        double value;
    } good[] = {
        {"14.8T tokens", ASSAY_UNIT_TOKENS, 14.8e12},
        {"4,096 tokens", ASSAY_UNIT_TOKENS, 4096},
        {"14,800,000 tokens", ASSAY_UNIT_TOKENS, 14.8e6},
        {"1,234.5 days", ASSAY_UNIT_SECONDS, 1234.5 * 86400},
        {"1_000 tokens", ASSAY_UNIT_TOKENS, 1000},
        {"1e3 tokens", ASSAY_UNIT_TOKENS, 1000},
        {"671B parameters", ASSAY_UNIT_PARAMETERS, 671e9},
        {"15360 sequences", ASSAY_UNIT_SEQUENCES, 15360},
        {"54.2 days", ASSAY_UNIT_SECONDS, 54.2 * 86400},
        {"3.2ms", ASSAY_UNIT_SECONDS, 0.0032},
        {"80 GB", ASSAY_UNIT_BYTES, 80e9},
        {"80 GiB", ASSAY_UNIT_BYTES, 80 * 1073741824.0},
        {"400 Gb/s", ASSAY_UNIT_BYTES_PER_SECOND, 50e9},
        {"400 GB/s", ASSAY_UNIT_BYTES_PER_SECOND, 400e9},
        {"989 TFLOP/s", ASSAY_UNIT_FLOPS, 989e12},
        {"1.4 MW", ASSAY_UNIT_WATTS, 1.4e6},
        {"3 GWh", ASSAY_UNIT_JOULES, 3 * 3.6e12},
        {"2.664M H800-hours", ASSAY_UNIT_DEVICE_HOURS, 2.664e6},
        {"30.84M GPU-hours", ASSAY_UNIT_DEVICE_HOURS, 30.84e6},
        {"180K H800-hours per trillion tokens", ASSAY_UNIT_DEVICE_HOURS_PER_TOKEN, 180e3 * 1e-12},
        {"3.7 days per trillion tokens", ASSAY_UNIT_SECONDS_PER_TOKEN, 3.7 * 86400e-12},
        {"1543 tokens/s", ASSAY_UNIT_TOKENS_PER_SECOND, 1543},
        {"5.576M USD", ASSAY_UNIT_US_DOLLARS, 5.576e6},
        {"38.5 %", ASSAY_UNIT_PERCENT, 0.385},
        {" -2.5 ", ASSAY_UNIT_NONE, -2.5},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        char expected[160];
        double value;
        if (!assay_quantity_read(good[i].text, good[i].unit, &value, expected, sizeof expected))
            fail_msg("\"%s\" was refused", good[i].text);
        if (fabs(value - good[i].value) > 1e-12 * fabs(good[i].value))
            fail_msg("\"%s\" is %.17g", good[i].text, value);
    }
}

static void quantities_without_or_with_another_unit_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum assay_unit unit;
    } bad[] = {
        {"14.8T", ASSAY_UNIT_TOKENS},
        {"14.8", ASSAY_UNIT_TOKENS},
        {"14.8T tokenss", ASSAY_UNIT_TOKENS},
        {"tokens", ASSAY_UNIT_TOKENS},
        {"", ASSAY_UNIT_TOKENS},
        {"nan tokens", ASSAY_UNIT_TOKENS},
        {"inf tokens", ASSAY_UNIT_TOKENS},
        {"0x10 tokens", ASSAY_UNIT_TOKENS},
        {"1e999 tokens", ASSAY_UNIT_TOKENS},
        {"1.2.3 tokens", ASSAY_UNIT_TOKENS},
        {"1,,2 tokens", ASSAY_UNIT_TOKENS},
        {"80 gb", ASSAY_UNIT_BYTES},
        {"400 GB", ASSAY_UNIT_BYTES_PER_SECOND},
        {"2.664M hours", ASSAY_UNIT_DEVICE_HOURS},
        {"2.664M -hours", ASSAY_UNIT_DEVICE_HOURS},
        {"0.385", ASSAY_UNIT_PERCENT},
        {"3 tokens", ASSAY_UNIT_NONE},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char expected[160] = "";
        double value;
        if (assay_quantity_read(bad[i].text, bad[i].unit, &value, expected, sizeof expected))
            fail_msg("\"%s\" was read as %g", bad[i].text, value);
        assert_true(expected[0] != '\0');
    }
}

static void a_decimal_comma_is_refused_and_not_read_as_ten_times_as_much(void **state)
{
    (void)state;
    static const char *const bad[] = {"14,8T tokens",    "14,80T tokens",    "0,5 tokens",
                                      "0,500 tokens",    "4,0961 tokens",    "1234,567 tokens",
                                      "1,23,456 tokens", "1.234,567 tokens", "1.5,000 tokens",
                                      "1,234,5 tokens",  ",500 tokens",      "1e3,000 tokens",
                                      "1,000,00 tokens"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char expected[160] = "";
        double value;
        if (assay_quantity_read(bad[i], ASSAY_UNIT_TOKENS, &value, expected, sizeof expected))
            fail_msg("\"%s\" was read as %g", bad[i], value);
        assert_non_null(strstr(expected, "decimal point"));
    }
}

/* ---- YAML ----------------------------------------------------------------------------------- */

static void numbers_longer_than_any_need_are_refused_whatever_ends_them(void **state)
{
    (void)state;
    for (size_t digits = 50; digits < 80; digits++) {
        char text[120], expected[160];
        double value;
        memset(text, '1', digits);
        memcpy(text + digits, "e5 tokens", 10);
        bool read = assay_quantity_read(text, ASSAY_UNIT_TOKENS, &value, expected, sizeof expected);
        assert_true(!read || digits < 64);
    }
}

static struct assay_arena *arena;

static int new_arena(void **state)
{
    (void)state;
    arena = assay_arena_new();
    return arena ? 0 : -1;
}

static int free_arena(void **state)
{
    (void)state;
    assay_arena_free(arena);
    return 0;
}

static struct assay_yaml *parse(const char *text)
{
    struct assay_yaml *root;
    struct assay_error error;
    if (assay_yaml_parse("t.yaml", text, strlen(text), arena, &root, &error) != ASSAY_OK)
        fail_msg("%ld: %s", error.line, error.message);
    return root;
}

static void nodes_know_their_lines_keys_and_order(void **state)
{
    (void)state;
    struct assay_yaml *root = parse("a: 1\nb:\n  - x\n  - y: 2\nc: 'null'\nd: null\n");
    assert_int_equal(root->kind, ASSAY_YAML_MAP);
    assert_int_equal(root->count, 4);
    assert_string_equal(root->child->key, "a");
    struct assay_yaml *b = assay_yaml_get(root, "b");
    assert_int_equal(b->kind, ASSAY_YAML_LIST);
    assert_int_equal(b->child->next->child->line, 4);
    assert_string_equal(assay_yaml_get(root, "c")->text, "null");
    assert_string_equal(assay_yaml_get(root, "d")->text, "");
    assert_null(assay_yaml_get(root, "e"));
    assert_null(assay_yaml_get(NULL, "e"));
}

static void a_number_may_carry_its_source_and_date(void **state)
{
    (void)state;
    struct assay_yaml *root =
        parse("tokens: {value: 14.8T tokens, source: the report, date: 2024-12-27}\nplain: 3\n");
    struct assay_source source;
    double value;
    int64_t count;
    assert_int_equal(assay_yaml_sourced(assay_yaml_get(root, "tokens"), ASSAY_UNIT_TOKENS, 1, 1e15,
                                        &value, &source, NULL),
                     ASSAY_OK);
    assert_true(fabs(value - 14.8e12) < 1);
    assert_string_equal(source.source, "the report");
    assert_string_equal(source.date, "2024-12-27");
    assert_int_equal(assay_yaml_count(assay_yaml_get(root, "plain"), 1, 5, &count, NULL), ASSAY_OK);
    assert_int_equal(count, 3);
    assert_int_equal(assay_yaml_finish(root, NULL), ASSAY_OK);
}

static void yaml_that_could_hurt_is_refused_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
        size_t size; /* 0: strlen */
        long line;
    } bad[] = {
        {"", "empty", 0, 1},
        {"a: &x 1\nb: *x\n", "anchors", 0, 1},
        {"a: 1\nb: *x\n", "alias", 0, 2},
        {"a: !!python/object:os.system 1\n", "tags", 0, 1},
        {"a: 1\n<<: {b: 2}\n", "merge keys", 0, 2},
        {"a: 1\nb: 2\na: 3\n", "stands twice, first in line 1", 0, 3},
        {"a: 1\n---\nb: 2\n", "one document", 0, 2},
        {"? [1, 2]\n: 3\n", "a key of plain text", 0, 1},
        {"a: [1, 2\n", "not YAML", 0, 2},
        {"a: 1\nb: \xff\n", "UTF-8", 0, 2},
        {"a: 1\nb: \0\n", "UTF-8 without NUL", 9, 2},
        {"a: \"\\0\"\n", "NUL", 0, 1},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct assay_yaml *root;
        struct assay_error error = {0};
        size_t size = bad[i].size ? bad[i].size : strlen(bad[i].text);
        assert_int_equal(assay_yaml_parse("t.yaml", bad[i].text, size, arena, &root, &error),
                         ASSAY_ERROR_INPUT);
        if (!strstr(error.message, bad[i].part))
            fail_msg("\"%s\": \"%s\" lacks \"%s\"", bad[i].text, error.message, bad[i].part);
        if (error.line != bad[i].line)
            fail_msg("\"%s\": line %ld", bad[i].text, error.line);
    }
}

static void deep_nesting_is_refused(void **state)
{
    (void)state;
    char text[1000];
    struct assay_yaml *root;
    struct assay_error error;
    memset(text, '[', sizeof text);
    assert_int_equal(assay_yaml_parse("t.yaml", text, sizeof text, arena, &root, &error),
                     ASSAY_ERROR_INPUT);
    assert_non_null(strstr(error.message, "64 levels"));
}

static void values_of_the_wrong_kind_say_what_was_expected(void **state)
{
    (void)state;
    struct assay_yaml *root =
        parse("n: -1\nf: yes\nt: 14.8T\nm: {a: 1}\ne:\nbig: 9223372036854775808\n"
              "h: 2.5\nd: {value: 1, date: 2024-13-01}\n");
    struct assay_error error;
    int64_t count;
    double value;
    bool flag;
    const char *text;
    assert_int_equal(assay_yaml_count(assay_yaml_get(root, "n"), 1, 9, &count, &error),
                     ASSAY_ERROR_INPUT);
    assert_string_equal(error.message, "n: found \"-1\", expected a whole number from 1 to 9");
    assert_int_equal(assay_yaml_count(assay_yaml_get(root, "big"), 1, INT64_MAX, &count, &error),
                     ASSAY_ERROR_INPUT);
    assert_int_equal(error.line, 6);
    assert_int_equal(assay_yaml_count(assay_yaml_get(root, "h"), 1, 9, &count, &error),
                     ASSAY_ERROR_INPUT);
    assert_int_equal(assay_yaml_flag(assay_yaml_get(root, "f"), &flag, &error), ASSAY_ERROR_INPUT);
    assert_int_equal(
        assay_yaml_quantity(assay_yaml_get(root, "t"), ASSAY_UNIT_TOKENS, 1, 1e15, &value, &error),
        ASSAY_ERROR_INPUT);
    assert_string_equal(error.message,
                        "t: found \"14.8T\", expected a number of tokens such as \"14.8T tokens\"");
    assert_int_equal(assay_yaml_text(assay_yaml_get(root, "m"), &text, &error), ASSAY_ERROR_INPUT);
    assert_string_equal(error.message, "m: found a map, expected text");
    assert_int_equal(assay_yaml_text(assay_yaml_get(root, "e"), &text, &error), ASSAY_ERROR_INPUT);
    assert_string_equal(error.message, "e: found nothing, expected text");
    assert_int_equal(assay_yaml_count(assay_yaml_get(root, "d"), 1, 9, &count, &error),
                     ASSAY_ERROR_INPUT);
    assert_non_null(strstr(error.message, "a date such as"));
}

static void a_key_nobody_asked_for_is_named_with_its_neighbour(void **state)
{
    (void)state;
    struct assay_yaml *root = parse("tokens: 1\ntokenz: 2\n");
    struct assay_error error;
    (void)assay_yaml_get(root, "tokens");
    assert_int_equal(assay_yaml_finish(root, &error), ASSAY_ERROR_INPUT);
    assert_int_equal(error.line, 2);
    assert_string_equal(error.message,
                        "unknown key \"tokenz\" in the document; did you mean \"tokens\"?");
}

/* ---- CSV ------------------------------------------------------------------------------------ */

static void tables_keep_quotes_commas_lines_and_comments_apart(void **state)
{
    (void)state;
    struct csv csv;
    struct assay_error error;
    static const char text[] = "# a comment, with \"quotes\r\n"
                               "a,b\r\n"
                               "\"x,\"\"y\"\"\nz\",2\r\n"
                               "\n"
                               ",#3\n";
    if (csv_parse("t.csv", text, sizeof text - 1, arena, &csv, &error) != ASSAY_OK)
        fail_msg("%ld: %s", error.line, error.message);
    assert_int_equal(csv.columns, 2);
    assert_int_equal(csv.count, 2);
    assert_int_equal(csv_column(&csv, "b"), 1);
    assert_int_equal(csv_column(&csv, "c"), -1);
    assert_string_equal(csv.rows[0].cells[0], "x,\"y\"\nz");
    assert_int_equal(csv.rows[0].line, 3);
    assert_string_equal(csv.rows[1].cells[0], "");
    assert_string_equal(csv.rows[1].cells[1], "#3");
    assert_int_equal(csv.rows[1].line, 6);
}

static void tables_that_are_broken_are_refused_with_the_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
        long line;
    } bad[] = {
        {"a,b\n1\n", "found 1 fields, expected the header's 2", 2},
        {"a,b\n1,2,3\n", "found 3 fields", 2},
        {"a,a\n", "stands twice", 1},
        {"a,b\n1,\"2\n", "never ends", 2},
        {"a,b\n1,x\"y\n", "inside a field", 2},
        {"a,b\n\"1\"x,2\n", "expected ','", 2},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct csv csv;
        struct assay_error error = {0};
        assert_int_equal(csv_parse("t.csv", bad[i].text, strlen(bad[i].text), arena, &csv, &error),
                         ASSAY_ERROR_INPUT);
        if (!strstr(error.message, bad[i].part) || error.line != bad[i].line)
            fail_msg("\"%s\": %ld: %s", bad[i].text, error.line, error.message);
    }
}

static void cells_are_numbers_only_if_all_of_them_is(void **state)
{
    (void)state;
    double value;
    assert_true(csv_number(" -1.5e3 ", &value) && value == -1500);
    static const char *const bad[] = {"", " ", "1x", "nan", "inf", "0x1", "1 2", "1e999", "--1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(csv_number(bad[i], &value));
}

/* ---- JSON and UTF-8 ----------------------------------------------------------------------------
 */

static void json_is_written_alike_and_never_with_nan(void **state)
{
    (void)state;
    json_t *object = json_object();
    assert_true(json_set_number(object, "whole", 14.8e12));
    assert_true(json_set_number(object, "part", 0.1));
    assert_true(json_set_number(object, "nan", (double)NAN));
    assert_true(json_set_interval(object, "i", (struct assay_interval){1, 0.5, 2, 0.8}));
    assert_true(json_set_text(object, "none", NULL));
    char *text = json_print(object);
    assert_string_equal(text,
                        "{\n  \"whole\": 14800000000000,\n  \"part\": 0.1,\n  \"nan\": null,\n"
                        "  \"i\": {\n    \"median\": 1,\n    \"low\": 0.5,\n    \"high\": 2\n"
                        "  },\n  \"none\": null\n}\n");
    free(text);
    json_decref(object);
}

static void only_well_formed_utf8_passes(void **state)
{
    (void)state;
    static const char good[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80";
    assert_int_equal(utf8_valid_prefix((const unsigned char *)good, sizeof good - 1),
                     sizeof good - 1);
    static const char *const bad[] = {"a\xc0\x80", "a\xed\xa0\x80", "a\xf4\x90\x80\x80",
                                      "a\x80",     "a\xe2\x82",     "a\xf8\x88\x80\x80\x80"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(utf8_valid_prefix((const unsigned char *)bad[i], strlen(bad[i])), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantities_are_read_as_people_write_them),
        cmocka_unit_test(quantities_without_or_with_another_unit_are_refused),
        cmocka_unit_test(a_decimal_comma_is_refused_and_not_read_as_ten_times_as_much),
        cmocka_unit_test(numbers_longer_than_any_need_are_refused_whatever_ends_them),
        cmocka_unit_test(nodes_know_their_lines_keys_and_order),
        cmocka_unit_test(a_number_may_carry_its_source_and_date),
        cmocka_unit_test(yaml_that_could_hurt_is_refused_with_its_line),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(values_of_the_wrong_kind_say_what_was_expected),
        cmocka_unit_test(a_key_nobody_asked_for_is_named_with_its_neighbour),
        cmocka_unit_test(tables_keep_quotes_commas_lines_and_comments_apart),
        cmocka_unit_test(tables_that_are_broken_are_refused_with_the_line),
        cmocka_unit_test(cells_are_numbers_only_if_all_of_them_is),
        cmocka_unit_test(json_is_written_alike_and_never_with_nan),
        cmocka_unit_test(only_well_formed_utf8_passes),
    };
    return cmocka_run_group_tests_name("text", tests, new_arena, free_arena);
}
