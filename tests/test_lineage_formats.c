/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One model in two formats is one model: Hugging Face's names and rows against those of a GGUF
 * file as llama.cpp's converter makes it, and against llama2.c's.
 */
#include "checkpoint_bytes.h"
#include "lineage_files.h"

#include <assay/lineage.h>

#include <math.h>
#include <stdio.h>
#include <unistd.h>

enum {
    WIDTH = 48,
    HEADS = 4,
    KV_HEADS = 2,
    HEAD = WIDTH / HEADS,
    HIDDEN = 96,
    TOKENS = 80,
    LAYERS = 2
};

struct part {
    const char *hugging_face, *gguf; /* after the layer's number */
    int rows, columns;
    int heads; /* 0: rows stay where they are */
};

static const struct part parts[] = {
    {"self_attn.q_proj.weight", "attn_q.weight", WIDTH, WIDTH, HEADS},
    {"self_attn.k_proj.weight", "attn_k.weight", KV_HEADS *HEAD, WIDTH, KV_HEADS},
    {"self_attn.v_proj.weight", "attn_v.weight", KV_HEADS *HEAD, WIDTH, 0},
    {"self_attn.o_proj.weight", "attn_output.weight", WIDTH, WIDTH, 0},
    {"mlp.gate_proj.weight", "ffn_gate.weight", HIDDEN, WIDTH, 0},
    {"mlp.up_proj.weight", "ffn_up.weight", HIDDEN, WIDTH, 0},
    {"mlp.down_proj.weight", "ffn_down.weight", WIDTH, HIDDEN, 0},
};
enum { PARTS = sizeof parts / sizeof parts[0], TENSORS = LAYERS * PARTS + 1 };

static float weights[TENSORS][TOKENS * HIDDEN];
static char names[2][TENSORS][80];

static void make_model(uint64_t seed)
{
    struct assay_random random;
    assay_random_start(&random, seed, 0);
    for (size_t t = 0; t < TENSORS; t++)
        for (size_t i = 0; i < TOKENS * HIDDEN; i++)
            weights[t][i] = (float)assay_random_normal(&random);
    for (int t = 0; t < TENSORS - 1; t++) {
        snprintf(names[0][t], 80, "model.layers.%d.%s", t / PARTS, parts[t % PARTS].hugging_face);
        snprintf(names[1][t], 80, "blk.%d.%s", t / PARTS, parts[t % PARTS].gguf);
    }
    snprintf(names[0][TENSORS - 1], 80, "model.embed_tokens.weight");
    snprintf(names[1][TENSORS - 1], 80, "token_embd.weight");
}

static int rows_of(size_t t)
{
    return t == TENSORS - 1 ? TOKENS : parts[t % PARTS].rows;
}

static int columns_of(size_t t)
{
    return t == TENSORS - 1 ? WIDTH : parts[t % PARTS].columns;
}

static void write_hugging_face(const char *path)
{
    struct assay_tensor_out out[TENSORS];
    for (size_t t = 0; t < TENSORS; t++)
        out[t] = (struct assay_tensor_out){.name = names[0][t],
                                           .dtype = ASSAY_DTYPE_F32,
                                           .rank = 2,
                                           .shape = {(uint64_t)rows_of(t), (uint64_t)columns_of(t)},
                                           .bytes = weights[t]};
    assert_int_equal(assay_safetensors_write(path, out, TENSORS, NULL, 0, NULL), ASSAY_OK);
}

static void write_number(FILE *file, uint64_t value, size_t width)
{
    assert_int_equal(fwrite(&value, width, 1, file), 1);
}

static void write_text(FILE *file, const char *text)
{
    write_number(file, strlen(text), 8);
    fputs(text, file);
}

static void write_key(FILE *file, const char *family, const char *key, uint32_t value)
{
    char name[80];
    snprintf(name, sizeof name, "%s.%s", family, key);
    write_text(file, name);
    write_number(file, 4, 4);
    write_number(file, value, 4);
}

/* Row r of the converter's output: reshape(heads, 2, half), swap the last two. */
static int from_row(int row, int rows, int heads)
{
    int half = rows / heads / 2, within = row % (2 * half);
    return row - within + within % 2 * half + within / 2;
}

/* `moved`: rows of queries and keys as the converter leaves them. */
static void write_gguf(const char *path, const char *family, bool moved)
{
    FILE *file = fopen(path, "wb");
    uint64_t offset = 0;
    assert_non_null(file);
    fputs("GGUF", file);
    write_number(file, 3, 4);
    write_number(file, TENSORS, 8);
    write_number(file, 3, 8);
    write_text(file, "general.architecture");
    write_number(file, 8, 4);
    write_text(file, family);
    write_key(file, family, "attention.head_count", HEADS);
    write_key(file, family, "attention.head_count_kv", KV_HEADS);
    for (size_t t = 0; t < TENSORS; t++) {
        write_text(file, names[1][t]);
        write_number(file, 2, 4);
        write_number(file, (uint64_t)columns_of(t), 8);
        write_number(file, (uint64_t)rows_of(t), 8);
        write_number(file, 0, 4);
        write_number(file, offset, 8);
        offset += (uint64_t)(rows_of(t) * columns_of(t)) * 4; /* a multiple of 32 */
    }
    while (ftell(file) % 32)
        fputc(0, file);
    for (size_t t = 0; t < TENSORS; t++)
        for (int r = 0; r < rows_of(t); r++) {
            int heads = t < TENSORS - 1 ? parts[t % PARTS].heads : 0, columns = columns_of(t);
            int from = moved && heads ? from_row(r, rows_of(t), heads) : r;
            assert_int_equal(fwrite(weights[t] + from * columns, 4, (size_t)columns, file),
                             columns);
        }
    assert_int_equal(fclose(file), 0);
}

static void llamas_rows_moved_by_the_converter_are_moved_back(void **state)
{
    (void)state;
    char a[] = "/tmp/assay-hf-XXXXXX", b[] = "/tmp/assay-gguf-XXXXXX";
    static const struct {
        const char *family;
        bool moved, identical;
    } cases[] = {{"llama", true, true},
                 {"llama", false, false}, /* not what the converter makes */
                 {"qwen2", false, true},  /* whose rows it leaves */
                 {"qwen2", true, false}};
    close(mkstemp(a));
    close(mkstemp(b));
    make_model(1);
    write_hugging_face(a);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int swap = 0; swap < (i == 0 ? 2 : 1); swap++) {
            struct assay_lineage_comparison r;
            write_gguf(b, cases[i].family, cases[i].moved);
            compare_files(swap ? b : a, swap ? a : b, &r);
            if (has_relation(&r, "identical") != cases[i].identical)
                fail_msg("%s, rows %s: %s", cases[i].family, cases[i].moved ? "moved" : "left",
                         r.relation_count ? r.relations[0].note : "no relation");
            if (cases[i].identical)
                assert_true(r.equal_share == 1);
            assert_true(r.log10_p < -100);
            assay_lineage_comparison_free(&r);
        }
    unlink(a);
    unlink(b);
}

/* Large enough for the ways of reading that go by a file's bytes. */
static void rows_of_large_matrices_are_moved_back_too(void **state)
{
    (void)state;
    enum { SIDE = 640, OF = 8 };
    static float a[SIDE * SIDE], b[SIDE * SIDE];
    struct assay_random random;
    struct assay_lineage_comparison r;
    struct assay_lineage_settings settings = assay_lineage_settings_default();
    struct assay_context context = assay_context_default();
    assay_random_start(&random, 5, 0);
    for (size_t i = 0; i < (size_t)SIDE * SIDE; i++)
        a[i] = (float)assay_random_normal(&random);
    for (int row = 0; row < SIDE; row++)
        memcpy(b + row * SIDE, a + from_row(row, SIDE, OF) * SIDE, SIDE * sizeof *b);
    struct assay_tensor t[2] = {{.name = "model.layers.0.self_attn.q_proj.weight"},
                                {.name = "blk.0.attn_q.weight", .rotary_heads = OF}};
    struct assay_checkpoint c[2];
    for (int side = 0; side < 2; side++) {
        t[side].dtype = ASSAY_DTYPE_F32;
        t[side].rank = 2;
        t[side].shape[0] = t[side].shape[1] = t[side].stride[0] = SIDE;
        t[side].stride[1] = 1;
        t[side].contiguous = true;
        t[side].elements = (uint64_t)SIDE * SIDE;
        t[side].size = sizeof a;
        t[side].bytes = (const unsigned char *)(side ? b : a);
        c[side] = (struct assay_checkpoint){
            .path = "x", .format = side ? "gguf" : "safetensors", .tensors = &t[side], .count = 1};
    }
    assert_int_equal(assay_lineage_compare(&c[0], &c[1], &settings, &context, &r, NULL), ASSAY_OK);
    assert_true(r.equal_share == 1);
    assay_lineage_comparison_free(&r);
}

/* Of a model with itself, but for three weights: the rest is compared, and the three are named. */
static void weights_that_are_no_numbers_are_left_out_and_named(void **state)
{
    (void)state;
    char a[] = "/tmp/assay-hf-XXXXXX", b[] = "/tmp/assay-nan-XXXXXX";
    struct assay_lineage_comparison r;
    close(mkstemp(a));
    close(mkstemp(b));
    make_model(1);
    write_hugging_face(a);
    weights[4][0] = NAN;
    weights[4][77] = INFINITY;
    weights[4][78] = -INFINITY;
    write_hugging_face(b);
    compare_files(a, b, &r);
    assert_true(r.log10_p < -100);
    assert_int_equal(r.ignored_count, 1);
    assert_string_equal(r.ignored[0].tensor, names[0][4]);
    assert_non_null(strstr(r.ignored[0].reason, "3 of its 4608 values are NaN or infinite"));
    assay_lineage_comparison_free(&r);
    unlink(a);
    unlink(b);
}

/* Rows moved back are those of the file, whatever part of them is read, and of block types too. */
static void rows_in_halves_are_the_stored_rows_in_another_order(void **state)
{
    (void)state;
    enum { ROWS = 24, LONG = 64, OF = 3, HALF = ROWS / OF / 2 };
    unsigned char blocks[ROWS * LONG / 32 * 34];
    struct assay_random random;
    assay_random_start(&random, 3, 0);
    for (size_t i = 0; i < sizeof blocks; i++)
        blocks[i] = (unsigned char)(i % 34 == 1 ? 0x2c : assay_random_below(&random, 256));
    struct assay_tensor t = {.name = "t",
                             .dtype = ASSAY_DTYPE_Q8_0,
                             .rank = 2,
                             .shape = {ROWS, LONG},
                             .elements = ROWS * LONG,
                             .bytes = blocks,
                             .size = sizeof blocks,
                             .contiguous = true,
                             .rotary_heads = OF};
    float stored[ROWS * LONG], halves[ROWS * LONG], part[96];
    assert_int_equal(assay_tensor_read(&t, 0, ROWS * LONG, stored, NULL), ASSAY_OK);
    t.halves = true;
    assert_int_equal(assay_tensor_read(&t, 0, ROWS * LONG, halves, NULL), ASSAY_OK);
    for (int head = 0; head < OF; head++)
        for (int pair = 0; pair < HALF; pair++)
            for (int which = 0; which < 2; which++)
                assert_memory_equal(halves + (head * 2 * HALF + which * HALF + pair) * LONG,
                                    stored + (head * 2 * HALF + 2 * pair + which) * LONG,
                                    LONG * sizeof(float));
    for (uint64_t first = 0; first + 96 <= ROWS * LONG; first += 32) {
        assert_int_equal(assay_tensor_read(&t, first, 96, part, NULL), ASSAY_OK);
        assert_memory_equal(part, halves + first, sizeof part);
    }
}

/* float8_e4m3fn of shape [2, 2] in an untyped storage, as torch.save of PyTorch 2 writes it. */
static void an_untyped_pytorch_storage_has_the_type_stated_beside_it(void **state)
{
    (void)state;
    struct bytes b = PICKLE("\x80\x02}(X\x01\x00\x00\x00wctorch._utils\n_rebuild_tensor_v3\n"
                            "((X\x07\x00\x00\x00storagectorch.storage\nUntypedStorage\n"
                            "X\x01\x00\x00\x00"
                            "0X\x03\x00\x00\x00"
                            "cpuK\x10tQK\x00(K\x02K\x02t(K\x02K\x01t\x89}"
                            "ctorch\nfloat8_e4m3fn\ntRu.");
    struct assay_checkpoint c;
    assert_int_equal(assay_checkpoint_parse("x", b.data, b.size, &c, NULL), ASSAY_OK);
    assert_int_equal(c.count, 1);
    assert_int_equal(c.tensors[0].dtype, ASSAY_DTYPE_F8_E4M3);
    assert_int_equal(c.tensors[0].size, 4);
    assay_checkpoint_close(&c);
}

/* ---- what tensors do --------------------------------------------------------------------- */

static void tensors_are_known_by_the_names_of_every_family(void **state)
{
    (void)state;
    static const struct {
        const char *name, *role;
    } cases[] = {
        {"model.embed_tokens.weight", "embedding"},
        {"lm_head.weight", "head"},
        {"model.layers.3.self_attn.q_proj.weight", "q"},
        {"model.layers.3.self_attn.q_norm.weight", "norm"},
        {"model.layers.3.mlp.gate_proj.weight", "gate"},
        {"model.layers.3.pre_feedforward_layernorm.weight", "norm"},
        {"model.layers.3.self_attn.qkv_proj.weight", "qkv"},
        {"model.layers.3.self_attn.dense.weight", "o"},
        {"model.layers.3.mlp.fc2.weight", "down"},
        {"model.layers.3.block_sparse_moe.experts.7.w2.weight", "down"},
        {"model.layers.3.block_sparse_moe.gate.weight", "router"},
        {"model.layers.3.mlp.experts.11.up_proj.weight", "up"},
        {"model.layers.3.mlp.gate.weight", "router"},
        {"model.layers.3.self_attn.kv_a_proj_with_mqa.weight", "latent"},
        {"model.layers.3.self_attn.q_b_proj.weight", "latent"},
        {"model.layers.3.attention.wqkv.weight", "qkv"},
        {"transformer.wte.weight", "embedding"},
        {"transformer.wpe.weight", "position"},
        {"transformer.h.3.attn.c_attn.weight", "qkv"},
        {"transformer.h.3.attn.c_proj.weight", "o"},
        {"transformer.h.3.mlp.c_proj.weight", "down"},
        {"transformer.h.3.ln_1.weight", "norm"},
        {"transformer.h.3.self_attention.query_key_value.weight", "qkv"},
        {"transformer.h.3.self_attention.dense.weight", "o"},
        {"gpt_neox.layers.3.attention.rotary_emb.inv_freq", "buffer"},
        {"gpt_neox.layers.3.mlp.dense_4h_to_h.weight", "down"},
        {"bert.encoder.layer.3.attention.self.key.weight", "k"},
        {"bert.encoder.layer.3.attention.output.dense.weight", "o"},
        {"bert.encoder.layer.3.intermediate.dense.weight", "up"},
        {"bert.encoder.layer.3.output.dense.weight", "down"},
        {"bert.encoder.layer.3.output.LayerNorm.weight", "norm"},
        {"blk.3.attn_k.weight", "k"},
        {"blk.3.attn_kv_a_mqa.weight", "latent"},
        {"blk.3.ffn_gate_inp.weight", "router"},
        {"blk.3.ffn_down.weight", "down"},
        {"token_embd.weight", "embedding"},
        {"output.weight", "head"},
        {"layers.3.feed_forward.w3.weight", "up"},
    };
    enum { COUNT = sizeof cases / sizeof cases[0] };
    struct assay_tensor tensors[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        tensors[i] = (struct assay_tensor){
            .name = cases[i].name, .rank = 2, .shape = {4, 4}, .elements = 16};
    const struct assay_checkpoint c = {
        .path = "/nowhere/x", .format = "safetensors", .tensors = tensors, .count = COUNT};
    struct assay_checkpoint_summary s;
    assert_int_equal(assay_checkpoint_summarise("/nowhere/x", &c, &s, NULL), ASSAY_OK);
    for (size_t i = 0; i < COUNT; i++)
        if (strcmp(s.roles[i], cases[i].role) != 0)
            fail_msg("%s: %s, expected %s", cases[i].name, s.roles[i], cases[i].role);
    assert_int_equal(s.experts, 12);
    assert_false(s.by_shape);
    assay_checkpoint_summary_free(&s);
}

static void roles_of_hidden_names_are_what_shapes_allow(void **state)
{
    (void)state;
    char path[] = "/tmp/assay-hidden-XXXXXX", name[TENSORS][8];
    struct assay_tensor_out out[TENSORS];
    close(mkstemp(path));
    make_model(1);
    for (size_t t = 0; t < TENSORS; t++) {
        snprintf(name[t], sizeof name[t], "t%zu", t);
        out[t] = (struct assay_tensor_out){.name = name[t],
                                           .dtype = ASSAY_DTYPE_F32,
                                           .rank = 2,
                                           .shape = {(uint64_t)rows_of(t), (uint64_t)columns_of(t)},
                                           .bytes = weights[t]};
    }
    assert_int_equal(assay_safetensors_write(path, out, TENSORS, NULL, 0, NULL), ASSAY_OK);
    static const char *const expected[PARTS] = {"q or o",     "k or v",     "k or v", "q or o",
                                                "gate or up", "gate or up", "down"};
    struct assay_checkpoint c;
    struct assay_checkpoint_summary s;
    assert_int_equal(assay_checkpoint_open(path, &c, NULL), ASSAY_OK);
    assert_int_equal(assay_checkpoint_summarise(path, &c, &s, NULL), ASSAY_OK);
    assert_true(s.by_shape);
    for (size_t t = 0; t < TENSORS; t++)
        assert_string_equal(s.roles[t],
                            t == TENSORS - 1 ? "embedding or head" : expected[t % PARTS]);
    assay_checkpoint_summary_free(&s);
    assay_checkpoint_close(&c);
    unlink(path);
}

/* ---- vocabularies ------------------------------------------------------------------------ */

static void write_file(const char *folder, const char *name, const char *text)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(assay_file_write(path, text, strlen(text), NULL), ASSAY_OK);
}

static void a_vocab_json_is_read_with_the_merges_beside_it(void **state)
{
    (void)state;
    char folder[] = "/tmp/assay-vocab-XXXXXX", path[300];
    struct assay_vocabulary v;
    struct assay_error error;
    assert_non_null(mkdtemp(folder));
    write_file(folder, "vocab.json", "{\"a\": 0, \"b\": 1, \"ab\": 3}");
    write_file(folder, "merges.txt", "#version: 0.2\na b\r\nab a\n");
    assert_true(assay_vocabulary_find(folder, path, sizeof path));
    assert_int_equal(assay_vocabulary_read(path, &v, NULL), ASSAY_OK);
    assert_string_equal(v.format, "vocab.json");
    assert_int_equal(v.count, 4);
    assert_int_equal(v.pieces[2].size, 0);
    assert_memory_equal(v.pieces[3].bytes, "ab", 2);
    assert_int_equal(v.merge_count, 2);
    assert_int_equal(v.merges[0].size, 3);
    assay_vocabulary_free(&v);
    write_file(folder, "merges.txt", "a b\nabc\n");
    assert_int_equal(assay_vocabulary_read(path, &v, &error), ASSAY_ERROR_INPUT);
    assert_non_null(strstr(error.message, "one space between"));
    write_file(folder, "vocab.json", "{\"a\": 900000000}");
    assert_int_equal(assay_vocabulary_read(path, &v, &error), ASSAY_ERROR_INPUT);
    snprintf(path, sizeof path, "%s/vocab.json", folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/merges.txt", folder);
    unlink(path);
    rmdir(folder);
}

/* "!" and the bytes of "é" (C3 A9), whose letters in byte-level BPE are U+00C3 and U+00A9; a space
 * is written U+0120. */
static void ranks_of_tiktoken_are_the_pieces_of_byte_level_bpe(void **state)
{
    (void)state;
    static const char ranks[] = "IQ== 0\nw6k= 1\nIGE= 5\n";
    struct assay_vocabulary v;
    assert_int_equal(assay_vocabulary_parse("x", ranks, sizeof ranks - 1, &v, NULL), ASSAY_OK);
    assert_string_equal(v.format, "tiktoken");
    assert_int_equal(v.count, 6);
    assert_int_equal(v.pieces[0].size, 1);
    assert_int_equal(v.pieces[1].size, 4);
    assert_memory_equal(v.pieces[1].bytes, "\xc3\x83\xc2\xa9", 4);
    assert_memory_equal(v.pieces[5].bytes,
                        "\xc4\xa0"
                        "a",
                        3);
    assay_vocabulary_free(&v);
    static const char far_off[] = "IQ== 0\nIg== 999999\n";
    assert_int_equal(assay_vocabulary_parse("x", far_off, sizeof far_off - 1, &v, NULL),
                     ASSAY_ERROR_INPUT);
}

enum { OTHERS = 6, COMMON = 300, OWN = 60 };

/* Common pieces, of which each vocabulary has two thirds, some that only it has, and `extra`. */
static void make_vocabulary(struct assay_vocabulary *v, struct assay_arena *arena, uint64_t seed,
                            size_t extra)
{
    struct assay_random random;
    assay_random_start(&random, seed, 6);
    v->pieces = assay_arena_alloc(arena, COMMON + OWN + extra, sizeof *v->pieces);
    v->count = 0;
    for (size_t i = 0; i < COMMON + OWN + extra; i++) {
        char *text = i < COMMON ? assay_arena_print(arena, "common%zu", i)
                     : i < COMMON + OWN
                         ? assay_arena_print(arena, "own%llu.%zu", (unsigned long long)seed, i)
                         : assay_arena_print(arena, "odd%zu", i);
        if (i >= COMMON || assay_random_below(&random, 3) < 2)
            v->pieces[v->count++] = (struct assay_piece){text, strlen(text)};
    }
}

static void pieces_that_nobody_else_has_are_odd_and_ranked(void **state)
{
    (void)state;
    struct assay_arena *arena = assay_arena_new();
    struct assay_vocabulary others[OTHERS], a, b, c;
    struct assay_odd_pieces odd;
    for (uint64_t i = 0; i < OTHERS; i++)
        make_vocabulary(&others[i], arena, i, 0);
    make_vocabulary(&a, arena, 11, 25);
    make_vocabulary(&b, arena, 12, 25);
    make_vocabulary(&c, arena, 13, 0);
    assert_int_equal(assay_lineage_odd_pieces(&a, &b, others, OTHERS, &odd, NULL), ASSAY_OK);
    assert_int_equal(odd.pairs, 15);
    assert_in_range(odd.count, 25, 30); /* and what all six others happen to lack */
    assert_int_equal(odd.shown, ASSAY_ODD_EXAMPLES);
    assert_float_equal(odd.p, 1.0 / 16, 1e-12);
    assert_int_equal(assay_lineage_odd_pieces(&a, &c, others, OTHERS, &odd, NULL), ASSAY_OK);
    assert_in_range(odd.count, 0, 5);
    assert_true(odd.p > 0.2);
    assert_int_equal(assay_lineage_odd_pieces(&a, &c, others, 1, &odd, NULL), ASSAY_OK);
    assert_true(isnan(odd.p));
    assay_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(llamas_rows_moved_by_the_converter_are_moved_back),
        cmocka_unit_test(rows_of_large_matrices_are_moved_back_too),
        cmocka_unit_test(weights_that_are_no_numbers_are_left_out_and_named),
        cmocka_unit_test(rows_in_halves_are_the_stored_rows_in_another_order),
        cmocka_unit_test(an_untyped_pytorch_storage_has_the_type_stated_beside_it),
        cmocka_unit_test(tensors_are_known_by_the_names_of_every_family),
        cmocka_unit_test(roles_of_hidden_names_are_what_shapes_allow),
        cmocka_unit_test(pieces_that_nobody_else_has_are_odd_and_ranked),
        cmocka_unit_test(a_vocab_json_is_read_with_the_merges_beside_it),
        cmocka_unit_test(ranks_of_tiktoken_are_the_pieces_of_byte_level_bpe),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
