/* SPDX-License-Identifier: Apache-2.0 */
/* Experts that one tensor holds are read as the same experts in tensors of their own. */
#include "lineage/experts.h"

#include <assay/lineage.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lineage_files.h"

enum { EXPERTS = 4, MOST = 128 };

/* How a file holds experts. */
enum layout {
    GGUF,      /* ffn_gate_exps, ffn_up_exps, ffn_down_exps: [experts, out, in] */
    ROWS,      /* gate_up_proj [experts, gate and up, in], down_proj [experts, out, in] */
    COLUMNS,   /* gate_up_proj [experts, in, gate and up], down_proj [experts, in, out] */
    ALTERNATE, /* the same, gate and up by turns, a bias beside */
    LAYOUTS
};

struct packed {
    char names[MOST][96];
    struct assay_tensor_out out[MOST];
    size_t count;
};

static float *add(struct packed *p, const char *name, int rank, const uint64_t *shape)
{
    uint64_t n = 1;
    struct assay_tensor_out *o = &p->out[p->count];
    assert_true(p->count < MOST);
    snprintf(p->names[p->count], sizeof p->names[0], "%s", name);
    *o = (struct assay_tensor_out){p->names[p->count++], ASSAY_DTYPE_F32, rank, {0}, NULL};
    for (int i = 0; i < rank; i++)
        n *= o->shape[i] = shape[i];
    float *values = calloc(n, sizeof *values);
    assert_non_null(values);
    o->bytes = values;
    return values;
}

static const struct assay_tensor *expert_of(const struct assay_checkpoint *c, enum role role,
                                            long layer, long expert)
{
    for (size_t i = 0; i < c->count; i++) {
        struct named_role name = role_of(c->tensors[i].name);
        if (name.role == role && name.layer == layer && name.expert == expert)
            return &c->tensors[i];
    }
    return NULL;
}

/* Where element (row, column) of part `part` goes. */
static size_t place(enum layout layout, bool both, size_t rows, size_t columns, size_t part,
                    size_t row, size_t column)
{
    size_t parts = both ? 2 : 1;
    size_t to = layout == ALTERNATE && both ? 2 * row + part : part * rows + row;
    return layout == COLUMNS || layout == ALTERNATE ? column * parts * rows + to
                                                    : to * columns + column;
}

/* One tensor of a layer: `roles` of all experts, expert e being `order`[e] of the source. */
static void pack_layer(const struct assay_checkpoint *c, enum layout layout, long layer,
                       const char *name, const enum role *roles, size_t parts, const long *order,
                       struct packed *p)
{
    const struct assay_tensor *first = expert_of(c, roles[0], layer, 0);
    size_t rows = (size_t)first->shape[0], columns = (size_t)first->shape[1], n = rows * columns;
    bool turned = layout == COLUMNS || layout == ALTERNATE;
    uint64_t shape[3] = {EXPERTS, turned ? columns : parts * rows, turned ? parts * rows : columns};
    float *to = add(p, name, 3, shape), *from = malloc(n * sizeof *from);
    assert_non_null(from);
    for (size_t e = 0; e < EXPERTS; e++)
        for (size_t part = 0; part < parts; part++) {
            const struct assay_tensor *t = expert_of(c, roles[part], layer, order[e]);
            assert_int_equal(assay_tensor_read(t, 0, n, from, NULL), ASSAY_OK);
            for (size_t i = 0; i < n; i++)
                to[e * parts * n + place(layout, parts == 2, rows, columns, part, i / columns,
                                         i % columns)] = from[i];
        }
    free(from);
}

static void pack(const char *source, enum layout layout, const long *order, const char *path)
{
    static const enum role gate_up[] = {ROLE_GATE, ROLE_UP}, down[] = {ROLE_DOWN};
    static struct packed p;
    struct assay_checkpoint c;
    char name[96];
    long layers = 0;
    p.count = 0;
    assert_int_equal(assay_checkpoint_open(source, &c, NULL), ASSAY_OK);
    for (size_t i = 0; i < c.count; i++) {
        const struct assay_tensor *t = &c.tensors[i];
        struct named_role role = role_of(t->name);
        layers = role.layer >= layers ? role.layer + 1 : layers;
        if (role.expert >= 0)
            continue;
        float *to = add(&p, t->name, t->rank, t->shape);
        assert_int_equal(assay_tensor_read(t, 0, t->elements, to, NULL), ASSAY_OK);
    }
    for (long layer = 0; layer < layers; layer++) {
        static const char *const words[] = {"gate", "up", "down"};
        static const enum role roles[] = {ROLE_GATE, ROLE_UP, ROLE_DOWN};
        for (int part = 0; part < 3 && layout == GGUF; part++) {
            snprintf(name, sizeof name, "blk.%ld.ffn_%s_exps.weight", layer, words[part]);
            pack_layer(&c, layout, layer, name, &roles[part], 1, order, &p);
        }
        if (layout == GGUF)
            continue;
        snprintf(name, sizeof name, "model.layers.%ld.mlp.experts.gate_up_proj", layer);
        pack_layer(&c, layout, layer, name, gate_up, 2, order, &p);
        if (layout == ALTERNATE) {
            uint64_t shape[2] = {EXPERTS, 2 * expert_of(&c, ROLE_UP, layer, 0)->shape[0]};
            strncat(name, "_bias", sizeof name - strlen(name) - 1);
            add(&p, name, 2, shape);
        }
        snprintf(name, sizeof name, "model.layers.%ld.mlp.experts.down_proj", layer);
        pack_layer(&c, layout, layer, name, down, 1, order, &p);
    }
    assert_int_equal(assay_safetensors_write(path, p.out, p.count, NULL, 0, NULL), ASSAY_OK);
    for (size_t i = 0; i < p.count; i++)
        free((void *)(uintptr_t)p.out[i].bytes);
    assay_checkpoint_close(&c);
}

/* ---- asking ------------------------------------------------------------------------------ */

static char source[1024], apart[] = "/tmp/assay-apart-XXXXXX", held[] = "/tmp/assay-held-XXXXXX";
static const long in_order[EXPERTS] = {0, 1, 2, 3};

static int make_experts(void **state)
{
    (void)state;
    const char *shared = getenv("ASSAY_SHARED"), *root = getenv("ASSAY_SOURCE");
    struct assay_disguise experts = {.experts = EXPERTS, .noise = 0.4, .seed = 3};
    struct assay_checkpoint c;
    if (shared)
        snprintf(source, sizeof source, "%s/models/llama2c/stories260K.bin", shared);
    else
        snprintf(source, sizeof source, "%s/../shared/models/llama2c/stories260K.bin",
                 root ? root : "..");
    close(mkstemp(apart));
    close(mkstemp(held));
    if (access(source, R_OK) != 0) {
        source[0] = 0;
        return 0;
    }
    assert_int_equal(assay_checkpoint_open(source, &c, NULL), ASSAY_OK);
    assert_int_equal(assay_lineage_disguise(&c, &experts, apart, NULL), ASSAY_OK);
    assay_checkpoint_close(&c);
    return 0;
}

static int remove_experts(void **state)
{
    (void)state;
    unlink(apart);
    unlink(held);
    return 0;
}

static void experts_held_together_are_bit_equal_to_the_same_apart(void **state)
{
    (void)state;
    struct assay_lineage_comparison r;
    if (!source[0])
        skip();
    for (int layout = 0; layout < LAYOUTS; layout++) {
        pack(apart, (enum layout)layout, in_order, held);
        compare_files(apart, held, &r);
        if (!has_relation(&r, "identical") || r.equal_share != 1)
            fail_msg("layout %d: %s", layout, r.relation_count ? r.relations[0].note : "nothing");
        assay_lineage_comparison_free(&r);
    }
}

static void upcycling_is_found_where_experts_are_held_together(void **state)
{
    (void)state;
    struct assay_lineage_comparison r;
    if (!source[0])
        skip();
    for (int layout = 0; layout < LAYOUTS; layout += 2) {
        pack(apart, (enum layout)layout, in_order, held);
        compare_files(source, held, &r);
        if (!has_relation(&r, "upcycled") || r.log10_p > -50 ||
            r.direction != ASSAY_DIRECTION_A_TO_B)
            fail_msg("layout %d: 10^%.1f", layout, r.log10_p);
        assay_lineage_comparison_free(&r);
    }
}

static void experts_in_another_order_are_found_where_held_together(void **state)
{
    (void)state;
    static const long moved[EXPERTS] = {2, 3, 1, 0};
    struct assay_lineage_comparison r;
    if (!source[0])
        skip();
    for (int layout = 0; layout < 2; layout++) {
        pack(apart, (enum layout)layout, moved, held);
        compare_files(apart, held, &r);
        if (!has_relation(&r, "experts-permuted"))
            fail_msg("layout %d: %s", layout, r.relation_count ? r.relations[0].kind : "nothing");
        assay_lineage_comparison_free(&r);
    }
}

/* ---- views ------------------------------------------------------------------------------- */

enum { WIDTH = 64, UNITS = 32, BLOCK_BYTES = 34 };

static void blocks_of_a_quantised_type_are_not_cut(void **state)
{
    (void)state;
    static unsigned char bytes[EXPERTS * UNITS * WIDTH / 32 * BLOCK_BYTES];
    float whole[EXPERTS * UNITS * WIDTH], part[UNITS * WIDTH];
    struct expert_layout l;
    struct named_role name;
    struct assay_arena *arena = assay_arena_new();
    struct assay_tensor t = {.name = "blk.3.ffn_up_exps.weight",
                             .dtype = ASSAY_DTYPE_Q8_0,
                             .rank = 3,
                             .shape = {EXPERTS, UNITS, WIDTH},
                             .contiguous = true,
                             .elements = EXPERTS * UNITS * WIDTH,
                             .bytes = bytes,
                             .size = sizeof bytes};
    struct assay_checkpoint c = {.path = "x", .format = "gguf", .tensors = &t, .count = 1};
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i % BLOCK_BYTES == 1 ? 0x3c : i * 7 % 61); /* a scale of 1 */
    assert_int_equal(assay_tensor_read(&t, 0, t.elements, whole, NULL), ASSAY_OK);
    assert_true(experts_layout(&c, &t, WIDTH, &l));
    assert_int_equal(l.experts, EXPERTS);
    for (uint64_t e = 0; e < EXPERTS; e++) {
        const struct assay_tensor *view = experts_view(&t, &l, e, 0, arena, &name);
        assert_non_null(view);
        assert_true(name.role == ROLE_UP && name.layer == 3 && name.expert == (long)e);
        assert_int_equal(view->size, sizeof bytes / EXPERTS);
        assert_int_equal(assay_tensor_read(view, 0, view->elements, part, NULL), ASSAY_OK);
        assert_memory_equal(part, whole + e * UNITS * WIDTH, sizeof part);
    }
    t.shape[1] = WIDTH; /* the other way round: columns of blocks cannot be read as rows */
    t.shape[2] = UNITS;
    assert_false(experts_layout(&c, &t, WIDTH, &l));
    assay_arena_free(arena);
}

static void what_does_not_tell_its_layout_is_left_whole(void **state)
{
    (void)state;
    struct expert_layout l;
    struct assay_tensor t = {.name = "model.layers.0.mlp.experts.down_proj",
                             .dtype = ASSAY_DTYPE_F32,
                             .rank = 3,
                             .shape = {EXPERTS, WIDTH, WIDTH},
                             .contiguous = true,
                             .elements = EXPERTS * WIDTH * WIDTH};
    struct assay_checkpoint c = {.path = "x", .format = "safetensors", .tensors = &t, .count = 1};
    assert_false(experts_layout(&c, &t, WIDTH, &l)); /* either side may be the stream's */
    assert_false(experts_layout(&c, &t, UNITS, &l)); /* neither is */
    assert_false(experts_layout(&c, &t, 0, &l));     /* no embedding */
    c.format = "gguf";
    assert_true(experts_layout(&c, &t, WIDTH, &l));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(experts_held_together_are_bit_equal_to_the_same_apart),
        cmocka_unit_test(upcycling_is_found_where_experts_are_held_together),
        cmocka_unit_test(experts_in_another_order_are_found_where_held_together),
        cmocka_unit_test(blocks_of_a_quantised_type_are_not_cut),
        cmocka_unit_test(what_does_not_tell_its_layout_is_left_whole),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_experts, remove_experts);
}
