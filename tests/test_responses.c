/* SPDX-License-Identifier: Apache-2.0 */
/* Response sets: every format reads to the same answers; what is broken or odd is said. */
#include "formats/unpack.h"

#include <assay/responses.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

static struct assay_responses *parsed(const char *text)
{
    struct assay_responses *r;
    struct assay_error error = {.message = ""};
    if (assay_responses_parse("answers.json", text, strlen(text), &r, &error) != ASSAY_OK)
        fail_msg("%s: %s", text, error.message);
    return r;
}

static struct assay_error refused(const char *text, size_t size, assay_status expected)
{
    struct assay_responses *r;
    struct assay_error error = {.message = ""};
    assert_int_equal(assay_responses_parse("answers.json", text, size, &r, &error), expected);
    assert_null(r);
    return error;
}

static void every_format_reads_to_the_same_answer(void **state)
{
    static const struct {
        enum assay_responses_format format;
        const char *key, *text;
    } cases[] = {
        {ASSAY_RESPONSES_ALPACA_EVAL, "Why so?",
         "[{\"instruction\":\" Why\\n so? \",\"output\":\"Because.\",\"generator\":\"m\"}]"},
        {ASSAY_RESPONSES_ID_OUTPUT, "7",
         "[{\"id\": 7, \"output\": [\"Because.\"], \"generator\": \"m\"}]"},
        {ASSAY_RESPONSES_LINES, "Why so?",
         "{\"prompt\":\"Why so?\",\"response\":\"Because.\",\"model\":\"m\"}\n\n"},
        {ASSAY_RESPONSES_LINES, "Sum 1 2",
         "{\"instruction\":\"Sum\",\"input\":\"1 2\",\"output\":\"Because.\",\"model\":\"m\"}"},
        {ASSAY_RESPONSES_CHAT_LOG, "Why so?",
         "{\"request\":{\"messages\":[{\"role\":\"system\",\"content\":\"Be brief\"},{\"role\":"
         "\"user\",\"content\":\"Why so?\"}]},\"response\":{\"model\":\"m\",\"choices\":[{"
         "\"message\":{\"role\":\"assistant\",\"content\":\"Because.\"},\"finish_reason\":"
         "\"stop\"}]}}"},
        {ASSAY_RESPONSES_CHAT_LOG, "Why so?",
         "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\","
         "\"text\":\"Why so?\"}]},{\"role\":\"assistant\",\"content\":\"Because.\"}]}"},
        {ASSAY_RESPONSES_CHAT_LOG, "Why so?",
         "{\"model\":\"m\",\"conversations\":[{\"from\":\"human\",\"value\":\"Why so?\"},"
         "{\"from\":\"gpt\",\"value\":\"Because.\"}]}"},
        {ASSAY_RESPONSES_CHAT_LOG, "b1",
         "{\"custom_id\":\"b1\",\"response\":{\"body\":{\"model\":\"m\",\"choices\":[{\"message\":{"
         "\"content\":\"Because.\"}}]}}}"},
        {ASSAY_RESPONSES_LM_EVAL, "Why so?",
         "{\"doc_id\":3,\"arguments\":[[\"Why so?\",{}]],\"resps\":[[\"Because.\"]]}"},
        {ASSAY_RESPONSES_LM_EVAL, "Why so?",
         "{\"doc_id\":3,\"arguments\":{\"gen_args_0\":{\"arg_0\":\"Why so?\"}},"
         "\"resps\":[[\"Because.\"]]}"},
        {ASSAY_RESPONSES_FASTCHAT, "81/1",
         "{\"question_id\":81,\"model_id\":\"m\",\"choices\":[{\"turns\":[\"Because.\",\"No.\"]}]"
         "}"},
        {ASSAY_RESPONSES_LINES, "Why so?",
         "{\"outputs\":[{\"prompt\":\"Why so?\",\"output\":\"Because.\",\"model\":\"m\"}],"
         "\"seed\":1}"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct assay_responses *r = parsed(cases[i].text);
        assert_int_equal(r->format, cases[i].format);
        assert_string_equal(r->answers[0].key, cases[i].key);
        assert_string_equal(r->answers[0].text, "Because.");
        assert_string_equal(r->name, "answers");
        if (cases[i].format != ASSAY_RESPONSES_LM_EVAL)
            assert_string_equal(r->writer, "m");
        assay_responses_free(r);
    }
}

static void what_is_odd_is_counted_and_nothing_is_dropped_silently(void **state)
{
    (void)state;
    struct assay_responses *r =
        parsed("{\"prompt\":\"b\",\"output\":\"first\"}\n{\"prompt\":\"b\",\"output\":\"again\"}\n"
               "{\"prompt\":\"a\",\"output\":\"  \"}\n{\"prompt\":\"c\",\"output\":\" led\"}\n"
               "{\"prompt\":\"d\"}\n{\"prompt\":\"e\",\"output\":\"a\\u0000b\\ud800c\"}\n"
               "{\"prompt\":\"f\",\"output\":\"\xff\"}\n");
    assert_int_equal(r->n, 5);
    assert_int_equal(r->notes.records, 6);
    assert_int_equal(r->notes.duplicates, 1);
    assert_int_equal(r->notes.empty, 1);
    assert_int_equal(r->notes.whitespace_led, 1);
    assert_int_equal(r->notes.without_answer, 1);
    assert_int_equal(r->notes.replaced, 2);
    assert_string_equal(r->answers[0].key, "a"); /* sorted */
    assert_string_equal(r->answers[1].text, "first");
    assert_string_equal(r->answers[3].text, "a\xEF\xBF\xBD"
                                            "b\xEF\xBF\xBD"
                                            "c");
    assert_string_equal(r->answers[4].text, "\xEF\xBF\xBD");
    assay_responses_free(r);
}

static void a_real_pair_of_surrogates_survives_mending(void **state)
{
    (void)state;
    struct assay_responses *r = parsed("[{\"id\":1,\"output\":\"\\ud83d\\ude00 \\\\ud800 \xff\"}]");
    assert_string_equal(r->answers[0].text, "\xF0\x9F\x98\x80 \\ud800 \xEF\xBF\xBD");
    assay_responses_free(r);
}

static void broken_files_name_the_place(void **state)
{
    (void)state;
    const char *array = "[{\"id\":1,\"output\":\"x\"},{\"id\":2,";
    assert_int_equal(refused(array, strlen(array), ASSAY_ERROR_INPUT).offset,
                     (long long)strlen(array));
    const char *lines = "{\"prompt\":\"a\",\"output\":\"x\"}\n{\"prompt\":\n";
    struct assay_error error = refused(lines, strlen(lines), ASSAY_ERROR_INPUT);
    assert_int_equal(error.line, 2);
    assert_non_null(strstr(error.message, "at byte"));
    refused("", 0, ASSAY_ERROR_INPUT);
    refused("[]", 2, ASSAY_ERROR_INPUT);
    refused("[1]", 3, ASSAY_ERROR_UNSUPPORTED);
    refused("plain", 5, ASSAY_ERROR_UNSUPPORTED);
    assert_non_null(strstr(refused("\xFF\xFE{\0", 4, ASSAY_ERROR_UNSUPPORTED).message, "UTF-16"));
    const char *number = "[{\"prompt\":\"a\",\"answer\":3}]";
    assert_non_null(strstr(refused(number, strlen(number), ASSAY_ERROR_INPUT).message,
                           "none of its 1 records has a text as output"));
    const char *no_answer = "{\"colour\":\"red\"}";
    assert_non_null(strstr(refused(no_answer, strlen(no_answer), ASSAY_ERROR_UNSUPPORTED).message,
                           "expected an object with a prompt"));
}

static void packed_files_unpack_and_bombs_do_not(void **state)
{
    (void)state;
    static unsigned char plain[100000], packed[110000];
    struct unpacked out;
    struct assay_error error;
    for (size_t i = 0; i < sizeof plain; i++)
        plain[i] = (unsigned char)(i * i >> 7);
    size_t size = ZSTD_compress(packed, sizeof packed, plain, sizeof plain, 1);
    assert_int_equal(unpack("x", packed, size, sizeof plain, &out, &error), ASSAY_OK);
    assert_int_equal(out.size, sizeof plain);
    assert_memory_equal(out.bytes, plain, sizeof plain);
    unpacked_free(&out);
    assert_int_equal(unpack("x", packed, size, sizeof plain - 1, &out, &error), ASSAY_ERROR_LIMIT);
    assert_int_equal(unpack("x", packed, size - 1, sizeof plain, &out, &error), ASSAY_ERROR_INPUT);
    z_stream stream = {.zalloc = NULL};
    assert_int_equal(deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, 0), Z_OK);
    stream.next_in = plain;
    stream.avail_in = sizeof plain;
    stream.next_out = packed;
    stream.avail_out = sizeof packed;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    size = stream.total_out;
    deflateEnd(&stream);
    assert_int_equal(unpack("x", packed, size, sizeof plain, &out, &error), ASSAY_OK);
    assert_memory_equal(out.bytes, plain, sizeof plain);
    unpacked_free(&out);
    assert_int_equal(unpack("x", packed, size, 5000, &out, &error), ASSAY_ERROR_LIMIT);
    assert_int_equal(unpack("x", packed, size / 2, sizeof plain, &out, &error), ASSAY_ERROR_INPUT);
}

static void write_text(const char *path, const char *text)
{
    struct assay_error error;
    assert_int_equal(assay_file_write(path, text, strlen(text), &error), ASSAY_OK);
}

static void folders_hold_sets_and_a_folder_of_texts_is_one(void **state)
{
    char folder[] = "/tmp/assay-responses-XXXXXX", path[256];
    struct assay_error error;
    struct assay_responses *r;
    (void)state;
    assert_non_null(mkdtemp(folder));
    const char *const paths[] = {folder};
    snprintf(path, sizeof path, "%s/b.json", folder);
    write_text(path, "[{\"id\":1,\"output\":\"x\"}]");
    snprintf(path, sizeof path, "%s/notes.log", folder);
    write_text(path, "no set");
    snprintf(path, sizeof path, "%s/texts", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/texts/one.txt", folder);
    write_text(path, "An answer.");
    struct assay_arena *arena = assay_arena_new();
    char **found;
    size_t n = 0, left_out = 0;
    assert_int_equal(assay_responses_list(paths, 1, arena, &found, &n, &left_out, &error),
                     ASSAY_OK);
    assert_int_equal(n, 2);
    assert_int_equal(left_out, 1);
    assert_int_equal(assay_responses_read(found[1], &r, &error), ASSAY_OK);
    assert_int_equal(r->format, ASSAY_RESPONSES_TEXTS);
    assert_string_equal(r->name, "texts");
    assert_string_equal(r->answers[0].key, "one.txt");
    assay_responses_free(r);
    assay_arena_free(arena);
    static const char *const made[] = {"texts/one.txt", "b.json", "notes.log"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, made[i]);
        unlink(path);
    }
    snprintf(path, sizeof path, "%s/texts", folder);
    rmdir(path);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_reads_to_the_same_answer),
        cmocka_unit_test(what_is_odd_is_counted_and_nothing_is_dropped_silently),
        cmocka_unit_test(a_real_pair_of_surrogates_survives_mending),
        cmocka_unit_test(broken_files_name_the_place),
        cmocka_unit_test(packed_files_unpack_and_bombs_do_not),
        cmocka_unit_test(folders_hold_sets_and_a_folder_of_texts_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
