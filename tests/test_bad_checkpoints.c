/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checkpoints that somebody made to do harm, one test a trick: each is refused with the reason,
 * and while it is read no more memory is asked for than the file justifies.
 */
#include "checkpoint_bytes.h"

#include <jansson.h>
#include <malloc.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- what is allocated at once ------------------------------------------------------- */

static size_t held, most_held;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void __real_free(void *old);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void __wrap_free(void *old);

static void *count(void *made)
{
    held += made ? malloc_usable_size(made) : 0;
    most_held = held > most_held ? held : most_held;
    return made;
}

static void discount(void *old)
{
    size_t size = old ? malloc_usable_size(old) : 0;
    held -= size < held ? size : held;
}

void *__wrap_malloc(size_t size)
{
    return count(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size)
{
    return count(__real_calloc(n, size));
}

void *__wrap_realloc(void *old, size_t size)
{
    discount(old);
    return count(__real_realloc(old, size));
}

void __wrap_free(void *old)
{
    discount(old);
    __real_free(old);
}

/* Refused (or, with NULL, read or refused) within `LEAST` bytes and `EACH` for each of the file. */
#define LEAST 100000
#define EACH 300

static void frugally(const struct bytes *b, const char *because)
{
    struct assay_checkpoint c;
    struct assay_error error = {0};
    char message[1200] = "accepted";
    size_t before = held;
    most_held = held;
    assay_status status = assay_checkpoint_parse("x", b->data, b->size, &c, &error);
    size_t asked = most_held - before;
    if (status == ASSAY_OK)
        assay_checkpoint_close(&c);
    else
        assay_error_format(&error, message, sizeof message);
    if (because && (status == ASSAY_OK || !strstr(message, because)))
        fail_msg("expected a refusal with \"%s\", got: %s", because, message);
    if (asked > LEAST + EACH * b->size)
        fail_msg("%zu bytes were asked for to read a file of %zu", asked, b->size);
    assert_int_equal(held, before);
}

/* ---- headers that lie ---------------------------------------------------------------- */

static void a_header_longer_than_the_file_is_refused(void **state)
{
    (void)state;
    struct bytes b = {.size = 0};
    put_number(&b, 99999999, 8);
    put_text(&b, "{}");
    frugally(&b, "a header of 99999999 bytes in a file of 10");
}

static void counts_of_2_to_the_63_are_refused(void **state)
{
    (void)state;
    struct bytes b = gguf((uint64_t)1 << 63, 0);
    frugally(&b, "does not fit the file");
    b = gguf(0, (uint64_t)1 << 63);
    frugally(&b, "does not fit the file");
    b = gguf(0, 1); /* an array of 2^63 texts */
    put_number(&b, 1, 8);
    put_text(&b, "k");
    put_number(&b, 9, 4);
    put_number(&b, 8, 4);
    put_number(&b, (uint64_t)1 << 63, 8);
    put_zeros(&b, 64);
    frugally(&b, "does not fit the file");
}

static void text_lengths_that_overflow_are_refused(void **state)
{
    (void)state;
    for (int less = 0; less < 40; less++) { /* at + length passes 2^64 for some */
        struct bytes b = gguf(0, 1);
        put_number(&b, UINT64_MAX - (uint64_t)less, 8);
        put_zeros(&b, 64);
        frugally(&b, "does not fit the file");
    }
}

static void shapes_of_2_to_the_63_are_refused(void **state)
{
    (void)state;
    struct bytes b = safetensors("{\"a\":{\"dtype\":\"U8\",\"shape\":[9223372036854775807,2],"
                                 "\"data_offsets\":[0,0]}}",
                                 0);
    frugally(&b, "do not make 0 bytes");
    b = gguf(1, 0);
    put_tensor(&b, 1, (uint64_t)1 << 63, 0, 0);
    frugally(&b, "its shape overflows");
    b = gguf(1, 0);
    put_tensor(&b, (uint64_t)1 << 62, 1, 0, 0);
    put_zeros(&b, 64);
    frugally(&b, "reaches beyond the file");
    b = PICKLE(TENSOR("\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7fK\x02", "K\x01K\x01"));
    frugally(&b, "reaches beyond its storage");
    b = PICKLE(TENSOR("K\x02K\x02", "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7fK\x01"));
    frugally(&b, "reaches beyond its storage");
}

/* ---- data that is not where it is said to be ------------------------------------------ */

static void tensors_that_overlap_are_refused(void **state)
{
    (void)state;
    struct bytes b = safetensors("{\"a\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8]},"
                                 "\"b\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[4,12]}}",
                                 12);
    frugally(&b, "overlaps");
    b = gguf(2, 0);
    put_tensor(&b, 16, 1, 0, 0);
    put_number(&b, 1, 8);
    put_text(&b, "b");
    put_number(&b, 1, 4);
    put_number(&b, 8, 8);
    put_number(&b, 0, 4);
    put_number(&b, 32, 8);
    put_zeros(&b, 128);
    frugally(&b, "overlap");
}

static void offsets_outside_the_file_are_refused(void **state)
{
    (void)state;
    struct bytes b =
        safetensors("{\"a\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[9007199254740992,"
                    "9007199254741000]}}",
                    8);
    frugally(&b, "outside the file");
    b = gguf(1, 0);
    put_tensor(&b, 8, 1, 0, UINT64_MAX - 31);
    put_zeros(&b, 64);
    frugally(&b, "reaches beyond the file");
}

static void two_tensors_of_one_name_are_refused(void **state)
{
    (void)state;
    struct bytes b = gguf(2, 0);
    put_tensor(&b, 8, 1, 0, 0);
    put_tensor(&b, 8, 1, 0, 32);
    put_zeros(&b, 128);
    frugally(&b, "two tensors are named \"a\"");
}

static void a_big_endian_gguf_is_named_as_such(void **state)
{
    (void)state;
    struct bytes b = {.size = 0};
    put_text(&b, "GGUF");
    put_number(&b, 0x03000000, 4);
    put_zeros(&b, 16);
    frugally(&b, "big-endian");
}

/* ---- pickles and zips ---------------------------------------------------------------- */

static void a_pickle_that_calls_is_refused_and_never_run(void **state)
{
    (void)state;
    static const struct {
        const char *pickle;
        size_t size;
        const char *because;
    } cases[] = {
#define CASE(text, because) {text, sizeof text - 1, because}
        CASE("\x80\x02"
             "cposix\nsystem\nX\x04\x00\x00\x00true\x85R.",
             "names \"posix system\""),
        CASE("\x80\x02"
             "cbuiltins\neval\nX\x01\x00\x00\x00"
             "1\x85R.",
             "names \"builtins eval\""),
        CASE("\x80\x04\x8c\x08"
             "builtins\x8c\x04"
             "exec\x93.",
             "names \"builtins exec\""),
        CASE("\x80\x02"
             "i__main__\nx\n.",
             "no file of tensors needs"),
        CASE("\x80\x02\x82\x01.", "no file of tensors needs"), /* EXT1 */
#undef CASE
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bytes b = pytorch(cases[i].pickle, cases[i].size);
        frugally(&b, cases[i].because);
    }
}

static void a_pickle_that_contains_itself_is_refused(void **state)
{
    (void)state;
    struct bytes b = PICKLE("\x80\x02]q\x00h\x00"
                            "a.");
    frugally(&b, "contains itself");
    b = PICKLE("\x80\x02}q\x00(X\x01\x00\x00\x00xh\x00u.");
    frugally(&b, "contains itself");
}

static void a_memo_number_far_beyond_the_pickle_is_refused(void **state)
{
    (void)state;
    struct bytes b = PICKLE("\x80\x02K\x01r\xff\xff\xff\xff.");
    frugally(&b, "beyond the pickle's length");
}

/* Where the directory's entry of `name` begins. */
static size_t entry_of(const struct bytes *b, const char *name)
{
    size_t found = 0;
    for (size_t i = 0; i + strlen(name) <= b->size; i++)
        if (memcmp(b->data + i, name, strlen(name)) == 0)
            found = i - 46;
    return found;
}

static void compressed_entries_are_refused_not_inflated(void **state)
{
    (void)state;
    struct bytes b = PICKLE(TENSOR("K\x02K\x02", "K\x02K\x01"));
    b.data[entry_of(&b, "a/data/0") + 10] = 8; /* deflated, to any size */
    memset(b.data + entry_of(&b, "a/data/0") + 24, 0xfe, 4);
    frugally(&b, "its storage is compressed");
    b = PICKLE(TENSOR("K\x02K\x02", "K\x02K\x01"));
    b.data[entry_of(&b, "a/data.pkl") + 10] = 8;
    frugally(&b, "without a stored data.pkl");
}

static void zip_entries_that_share_their_data_are_refused(void **state)
{
    (void)state;
    struct bytes b = PICKLE(TENSOR("K\x02K\x02", "K\x02K\x01"));
    size_t first = entry_of(&b, "a/data.pkl"), second = entry_of(&b, "a/data/0");
    memcpy(b.data + second + 42, b.data + first + 42, 4); /* both at one header */
    frugally(&b, "two zip entries overlap");
}

/* 10 views of a storage of 8,000 bytes are tied weights, 200 are more than a file should hold. */
static void endless_views_of_one_storage_are_refused(void **state)
{
    (void)state;
    static const char each[] = "h\x01(h\x02K\x00(M\xd0\x07t(K\x01tt"
                               "R";
    struct bytes pickle = {.size = 0};
    static const char start[] = "\x80\x02]q\x00(ctorch._utils\n_rebuild_tensor_v2\nq\x01"
                                "(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x00"
                                "0X\x03\x00\x00\x00"
                                "cpuM\xd0\x07tQq\x02";
    put(&pickle, start, sizeof start - 1);
    struct bytes few;
    for (int i = 0; i < 200; i++) {
        put(&pickle, each, sizeof each - 1);
        if (i == 9)
            few = pickle;
    }
    put_text(&few, "e.");
    struct bytes b = pytorch_with((const char *)few.data, few.size, 8000);
    frugally(&b, NULL);
    accepted(&b);
    put_text(&pickle, "e.");
    b = pytorch_with((const char *)pickle.data, pickle.size, 8000);
    frugally(&b, "views of the same data");
}

/* One tensor, then 5,000 references to it at two bytes each. */
static void references_without_names_are_refused_before_they_fill_memory(void **state)
{
    (void)state;
    static const char start[] = "\x80\x02]q\x00(ctorch._utils\n_rebuild_tensor_v2\n"
                                "((X\x07\x00\x00\x00storagectorch\nFloatStorage\n"
                                "X\x01\x00\x00\x00"
                                "0X\x03\x00\x00\x00"
                                "cpuK\x00tQK\x00(K\x00t(K\x01ttRq\x01";
    struct bytes pickle = {.size = 0};
    put(&pickle, start, sizeof start - 1);
    for (int i = 0; i < 5000; i++)
        put_text(&pickle, "h\x01");
    put_text(&pickle, "e.");
    struct bytes b = pytorch_with((const char *)pickle.data, pickle.size, 8);
    frugally(&b, "more tensors than a pickle of this size can name");
}

/* ---- ONNX ---------------------------------------------------------------------------- */

/* A field of bytes, of up to 2^14 of them. */
static void put_field(struct bytes *b, int id, const void *bytes, size_t size)
{
    put_number(b, (uint64_t)(id << 3 | 2), 1);
    put_number(b, 0x80 | (size & 0x7f), 1);
    put_number(b, size >> 7, 1);
    put(b, bytes, size);
}

static struct bytes onnx_of(const struct bytes *graph)
{
    struct bytes b = {.size = 0};
    put_number(&b, 0x0708, 2); /* ir_version 7 */
    put_field(&b, 7, graph->data, graph->size);
    return b;
}

/* The name of an output is copied for one tensor, not for each of thousands of empty ones. */
static void a_node_gives_its_name_to_one_tensor(void **state)
{
    (void)state;
    static char name[8000];
    struct bytes attribute = {.size = 0}, node = {.size = 0}, graph = {.size = 0};
    memset(name, 'o', sizeof name);
    for (int i = 0; i < 2000; i++)
        put_field(&attribute, 5, NULL, 0);
    put_field(&node, 2, name, sizeof name);
    put_field(&node, 5, attribute.data, attribute.size);
    put_field(&graph, 1, node.data, node.size);
    struct bytes b = onnx_of(&graph);
    frugally(&b, NULL);
    accepted(&b);
}

/* A node's input "w", NUL and 5,000 more bytes is no tensor's name, and nothing beyond is read. */
static void an_input_with_nul_in_its_name_is_no_tensor(void **state)
{
    (void)state;
    static const unsigned char weight[] = {0x08, 1, 0x10, 1, 0x42, 1, 'w', 0x4a, 4, 0, 0, 0, 0};
    static char input[5000] = "w";
    struct bytes node = {.size = 0}, graph = {.size = 0};
    struct assay_checkpoint c;
    put_field(&node, 1, input, sizeof input);
    put_field(&node, 4, "MatMul", 6);
    put_field(&graph, 1, node.data, node.size);
    put_field(&graph, 5, weight, sizeof weight);
    struct bytes b = onnx_of(&graph);
    assert_int_equal(assay_checkpoint_parse("x", b.data, b.size, &c, NULL), ASSAY_OK);
    assert_int_equal(c.count, 1);
    assert_int_equal(c.tensors[0].use, ASSAY_USE_UNKNOWN);
    assay_checkpoint_close(&c);
}

/* ---- shards -------------------------------------------------------------------------- */

static void write_text(const char *folder, const char *name, const void *text, size_t size)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(assay_file_write(path, text, size, NULL), ASSAY_OK);
}

static void shards_that_do_not_fit_their_index_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *index, *because;
    } cases[] = {
        {"{\"weight_map\":{\"a\":\"1.safetensors\"}}", NULL},
        {"{\"weight_map\":{\"a\":\"1.safetensors\",\"b\":\"1.safetensors\"}}",
         "weight_map lists 2 tensors, the shards hold 1"},
        {"{\"weight_map\":{\"b\":\"1.safetensors\"}}", "stands in a shard but not in weight_map"},
        {"{\"weight_map\":{\"a\":\"2.safetensors\"}}", "2.safetensors"},
        {"{\"weight_map\":{\"a\":\"../1.safetensors\"}}", "must be a file beside the index"},
        {"{\"weight_map\":{\"a\":\"/etc/passwd\"}}", "must be a file beside the index"},
        {"{\"weight_map\":{\"a\":7}}", "gives no file"},
        {"{\"weight_map\":[]}", "expected an object weight_map"},
        {"{\"weight_map\":{\"a\":\"1.safetensors\",\"c\":\"3.safetensors\"}}",
         "two tensors are named \"a\""},
    };
    char folder[] = "/tmp/assay-shards-XXXXXX", path[300];
    assert_non_null(mkdtemp(folder));
    struct bytes shard =
        safetensors("{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}", 2);
    write_text(folder, "1.safetensors", shard.data, shard.size);
    write_text(folder, "3.safetensors", shard.data, shard.size);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct assay_checkpoint c;
        struct assay_error error = {0};
        char message[1200] = "accepted";
        write_text(folder, "m.index.json", cases[i].index, strlen(cases[i].index));
        snprintf(path, sizeof path, "%s/m.index.json", folder);
        assay_status status = assay_checkpoint_open(path, &c, &error);
        if (status != ASSAY_OK)
            assay_error_format(&error, message, sizeof message);
        else
            assay_checkpoint_close(&c);
        if ((status == ASSAY_OK) != !cases[i].because ||
            (cases[i].because && !strstr(message, cases[i].because)))
            fail_msg("%s: expected \"%s\", got: %s", cases[i].index,
                     cases[i].because ? cases[i].because : "acceptance", message);
    }
    static const char *const made[] = {"1.safetensors", "3.safetensors", "m.index.json"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, made[i]);
        unlink(path);
    }
    rmdir(folder);
}

/* One tensor a file, the second named by `second`; any of the two stands for both. */
static void a_split_gguf_is_read_as_one_and_refused_when_a_part_is_wrong(void **state)
{
    (void)state;
    char folder[] = "/tmp/assay-split-XXXXXX", paths[2][300];
    struct assay_checkpoint c;
    struct assay_error error = {0};
    struct bytes part[2];
    assert_non_null(mkdtemp(folder));
    for (int i = 0; i < 2; i++) {
        part[i] = gguf(1, 0);
        put_tensor(&part[i], 8, 1, 0, 0);
        put_zeros(&part[i], 96 - part[i].size);
        put_zeros(&part[i], 32);
        snprintf(paths[i], sizeof paths[i], "%s/m-0000%d-of-00002.gguf", folder, i + 1);
    }
    part[1].data[32] = 'b'; /* its tensor's name */
    assert_int_equal(assay_file_write(paths[0], part[0].data, part[0].size, NULL), ASSAY_OK);
    assert_int_not_equal(assay_checkpoint_open(paths[0], &c, &error), ASSAY_OK);
    assert_non_null(strstr(error.file, "00002-of-00002"));
    assert_int_equal(assay_file_write(paths[1], part[1].data, part[1].size, NULL), ASSAY_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(assay_checkpoint_open(paths[i], &c, &error), ASSAY_OK);
        assert_int_equal(c.count, 2);
        assert_int_equal(c.file_count, 2);
        assert_non_null(assay_checkpoint_find(&c, "b"));
        assay_checkpoint_close(&c);
    }
    assert_int_equal(assay_file_write(paths[1], part[0].data, part[0].size, NULL), ASSAY_OK);
    assert_int_equal(assay_checkpoint_open(paths[0], &c, &error), ASSAY_ERROR_INPUT);
    assert_non_null(strstr(error.message, "two tensors are named"));
    assert_int_equal(assay_file_write(paths[1], "PK", 2, NULL), ASSAY_OK);
    assert_int_equal(assay_checkpoint_open(paths[0], &c, &error), ASSAY_ERROR_INPUT);
    for (int i = 0; i < 2; i++)
        unlink(paths[i]);
    rmdir(folder);
}

/* ---- any file ------------------------------------------------------------------------ */

/* Numbers that are likely to be sizes are replaced by large ones, wherever they stand. */
static void no_number_in_a_file_makes_a_reader_ask_for_much_memory(void **state)
{
    (void)state;
    struct assay_random random;
    struct bytes files[3] = {
        safetensors("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8),
        gguf(1, 1), PICKLE(TENSOR("K\x02K\x02", "K\x02K\x01"))};
    put_number(&files[1], 1, 8);
    put_text(&files[1], "k");
    put_number(&files[1], 9, 4);
    put_number(&files[1], 4, 4);
    put_number(&files[1], 2, 8);
    put_zeros(&files[1], 8);
    put_tensor(&files[1], 32, 2, 8, 0);
    put_zeros(&files[1], 128);
    assay_random_start(&random, 2, 0);
    for (size_t f = 0; f < 3; f++)
        for (size_t at = 0; at < files[f].size; at++)
            for (int width = 1; width <= 8; width *= 2) {
                struct bytes hurt = files[f];
                for (size_t i = at; i < at + (size_t)width && i < hurt.size; i++)
                    hurt.data[i] = assay_random_u32(&random) % 4 ? 0xff : 0x7f;
                frugally(&hurt, NULL);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_longer_than_the_file_is_refused),
        cmocka_unit_test(counts_of_2_to_the_63_are_refused),
        cmocka_unit_test(text_lengths_that_overflow_are_refused),
        cmocka_unit_test(shapes_of_2_to_the_63_are_refused),
        cmocka_unit_test(tensors_that_overlap_are_refused),
        cmocka_unit_test(offsets_outside_the_file_are_refused),
        cmocka_unit_test(two_tensors_of_one_name_are_refused),
        cmocka_unit_test(a_big_endian_gguf_is_named_as_such),
        cmocka_unit_test(a_pickle_that_calls_is_refused_and_never_run),
        cmocka_unit_test(a_pickle_that_contains_itself_is_refused),
        cmocka_unit_test(a_memo_number_far_beyond_the_pickle_is_refused),
        cmocka_unit_test(compressed_entries_are_refused_not_inflated),
        cmocka_unit_test(zip_entries_that_share_their_data_are_refused),
        cmocka_unit_test(endless_views_of_one_storage_are_refused),
        cmocka_unit_test(references_without_names_are_refused_before_they_fill_memory),
        cmocka_unit_test(a_node_gives_its_name_to_one_tensor),
        cmocka_unit_test(an_input_with_nul_in_its_name_is_no_tensor),
        cmocka_unit_test(shards_that_do_not_fit_their_index_are_refused),
        cmocka_unit_test(a_split_gguf_is_read_as_one_and_refused_when_a_part_is_wrong),
        cmocka_unit_test(no_number_in_a_file_makes_a_reader_ask_for_much_memory),
    };
    json_set_alloc_funcs(__wrap_malloc, __wrap_free);
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
