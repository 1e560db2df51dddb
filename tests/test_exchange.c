/* SPDX-License-Identifier: Apache-2.0 */
/* Exchange: identifiers by their standard; a bill of materials relates two checkpoints only on
 * strong evidence. */
#include "base/json.h"
#include "exchange/common.h"

#include <assay/exchange.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void a_uuid_of_a_name_is_the_one_that_the_rfc_prints(void **state)
{
    /* RFC 9562, appendix A.4: "www.example.com" in the namespace of DNS names */
    static const unsigned char dns[16] = {0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1,
                                          0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};
    char uuid[37];
    (void)state;
    exchange_uuid(dns, "www.example.com", uuid);
    assert_string_equal(uuid, "2ed6657d-e927-568b-95e1-2665a8aea6a2");
}

static void a_date_of_any_length_becomes_a_time(void **state)
{
    static const char *const pairs[][2] = {{"2024", "2024-01-01T00:00:00.000Z"},
                                           {"2024-06", "2024-06-01T00:00:00.000Z"},
                                           {"2024-06-30", "2024-06-30T00:00:00.000Z"}};
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        char time[32];
        exchange_time(pairs[i][0], time);
        assert_string_equal(time, pairs[i][1]);
    }
}

/* The variants in the bill of a case whose one finding is of `instrument` with that likelihood. */
static size_t variants(const char *instrument, double independent_high)
{
    struct assay_weight weights[] = {
        {"common origin", {0, 0, 0, 0.8}, NULL, true},
        {"made independently", {-50, -60, independent_high, 0.8}, NULL, true}};
    struct assay_exhibit exhibits[] = {
        {"pair.yaml", ""}, {"a/first.gguf", ""}, {"second.gguf", ""}};
    for (size_t i = 0; i < 3; i++)
        assay_sha256_bytes(exhibits[i].path, strlen(exhibits[i].path), exhibits[i].sha256);
    struct assay_case_task task = {.id = "weights", .instrument = instrument, .input = "pair.yaml"};
    struct assay_case_result result = {
        .task = &task,
        .finding = {
            .weights = weights, .weight_count = 2, .exhibits = exhibits, .exhibit_count = 3}};
    struct assay_case_question question = {
        .id = "descent", .text = "Whose?", .kind = ASSAY_QUESTION_DESCENT};
    struct assay_case_reply reply = {.question = &question, .results = &result, .result_count = 1};
    struct assay_case subject = {.path = "case.yaml", .title = "A case"};
    struct assay_assessment assessment = {.subject = &subject, .replies = &reply, .reply_count = 1};
    char *text = NULL;
    json_t *bill;
    assert_int_equal(assay_exchange_cyclonedx(&assessment, "A model", &text, NULL), ASSAY_OK);
    assert_int_equal(json_parse("bill", text, strlen(text), &bill, NULL), ASSAY_OK);
    const json_t *component = json_object_get(json_object_get(bill, "metadata"), "component");
    const json_t *pedigree = json_object_get(component, "pedigree");
    assert_non_null(json_object_get(pedigree, "notes"));
    assert_null(json_object_get(pedigree, "ancestors"));
    size_t count = json_array_size(json_object_get(pedigree, "variants"));
    if (count > 0)
        assert_string_equal(json_string_value(json_object_get(
                                json_array_get(json_object_get(pedigree, "variants"), 0), "name")),
                            "first.gguf");
    json_decref(bill);
    free(text);
    return count;
}

static void checkpoints_are_related_only_on_strong_evidence_at_its_low_end(void **state)
{
    (void)state;
    assert_int_equal(variants("lineage.compare", -3.1), 2);
    assert_int_equal(variants("lineage.compare", -2.9), 0); /* though its median is 50 */
    assert_int_equal(variants("lineage.compare", 0), 0);
    assert_int_equal(variants("style.rank", -10), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_uuid_of_a_name_is_the_one_that_the_rfc_prints),
        cmocka_unit_test(a_date_of_any_length_becomes_a_time),
        cmocka_unit_test(checkpoints_are_related_only_on_strong_evidence_at_its_low_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
