/* SPDX-License-Identifier: Apache-2.0 */
/* Where two JSON trees differ; base64 with one spelling. */
#include "base/json.h"
#include "custody/base64.h"
#include "custody/json_difference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The places at which two texts of JSON differ, joined by spaces. */
static void expect(const char *first, const char *second, const char *places)
{
    json_t *a, *b;
    struct json_differences found;
    char joined[1000] = "";
    assert_int_equal(json_parse("a", first, strlen(first), &a, NULL), ASSAY_OK);
    assert_int_equal(json_parse("b", second, strlen(second), &b, NULL), ASSAY_OK);
    assert_int_equal(json_differences_find(a, b, &found, NULL), ASSAY_OK);
    for (size_t i = 0; i < found.count; i++) {
        strcat(joined, i ? " " : "");
        strcat(joined, found.list[i].place);
        assert_true(found.list[i].first || found.list[i].second);
    }
    assert_string_equal(joined, places);
    json_differences_free(&found);
    json_decref(a);
    json_decref(b);
}

static void equal_trees_do_not_differ(void **state)
{
    (void)state;
    expect("{\"a\": [1, {\"b\": null}]}", "{\"a\": [1, {\"b\": null}]}", "");
    expect("{\"a\": 1, \"b\": 2}", "{\"b\": 2, \"a\": 1}", "");
}

static void every_difference_has_its_place(void **state)
{
    (void)state;
    expect("{\"a\": {\"b\": 1}}", "{\"a\": {\"b\": 2}}", "a.b");
    expect("{\"a\": 1}", "{\"b\": 1}", "a b");
    expect("{\"a\": [1, 2]}", "{\"a\": [1, 3, 4]}", "a[2] a[3]");
    expect("{\"a\": {}}", "{\"a\": []}", "a");
    expect("{\"a\": 1}", "{\"a\": \"1\"}", "a");
}

static void entries_with_names_are_paired_by_them(void **state)
{
    (void)state;
    expect("{\"e\": [{\"id\": \"x\", \"v\": 1}, {\"id\": \"y\", \"v\": 2}]}",
           "{\"e\": [{\"id\": \"n\", \"v\": 0}, {\"id\": \"y\", \"v\": 2}, {\"id\": \"x\", \"v\": "
           "3}]}",
           "e[x].v e[n]");
}

static void entries_whose_names_repeat_are_paired_by_position(void **state)
{
    (void)state;
    expect("{\"e\": [{\"id\": \"x\", \"v\": 1}, {\"id\": \"x\", \"v\": 2}]}",
           "{\"e\": [{\"id\": \"x\", \"v\": 1}, {\"id\": \"x\", \"v\": 3}]}", "e[2].v");
}

static void base64_is_that_of_the_rfc(void **state)
{
    /* RFC 4648, section 10 */
    static const char *const pairs[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}};
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        size_t size;
        char *text = base64_text((const unsigned char *)pairs[i][0], strlen(pairs[i][0]));
        unsigned char *bytes = base64_bytes(pairs[i][1], &size);
        assert_string_equal(text, pairs[i][1]);
        assert_int_equal(size, strlen(pairs[i][0]));
        assert_memory_equal(bytes, pairs[i][0], size);
        free(text);
        free(bytes);
    }
}

static void a_second_spelling_of_the_same_bytes_is_refused(void **state)
{
    static const char *const bad[] = {"Zh==", "Zg=",  "Zg",   "Zm9v\n",  " Zm9v",
                                      "Zm9=", "Z===", "Zm-_", "Zg==Zg=="};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        size_t size;
        assert_null(base64_bytes(bad[i], &size));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_trees_do_not_differ),
        cmocka_unit_test(every_difference_has_its_place),
        cmocka_unit_test(entries_with_names_are_paired_by_them),
        cmocka_unit_test(entries_whose_names_repeat_are_paired_by_position),
        cmocka_unit_test(base64_is_that_of_the_rfc),
        cmocka_unit_test(a_second_spelling_of_the_same_bytes_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
