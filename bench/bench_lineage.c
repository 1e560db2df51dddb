/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lineage room, timed and tried: the matching kernels; one layer of a 7-billion-parameter
 * Llama (64 units against 11,008 of width 4,096); two files of three such matrices compared, beside
 * mere reading; fingerprints; and, where the shared data are, how often each disguise of a real
 * transformer is seen through, over 20 seeds.
 */
#include "lineage/match.h"

#include <assay/lineage.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SEEDS 20

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* 64 units against 16, of width 4096. */
static void time_kernel(const struct kernel_choice *choice)
{
    enum { TILES = 4096 / KERNEL_COORDINATES };
    static int8_t rows[KERNEL_MOST_PANELS * TILES * KERNEL_TILE], right[TILES * KERNEL_TILE];
    static int32_t sums[KERNEL_MOST_PANELS * KERNEL_UNITS];
    int32_t product[KERNEL_MOST_PANELS][KERNEL_UNITS][KERNEL_UNITS];
    struct kernel_left left = {KERNEL_MOST_PANELS, TILES, rows, sums};
    double start = now();
    long count = 0;
    while (now() - start < 0.3)
        for (int i = 0; i < 10; i++, count++)
            choice->kernel(&left, right, product);
    printf("kernel %-14s %8.1f thousand million multiply-adds/s, one core\n", choice->name,
           64.0 * 16 * 4096 * (double)count / (now() - start) * 1e-9);
}

static void time_layer(void)
{
    struct assay_context context = assay_context_default();
    struct units a, b;
    struct packed pa, pb;
    struct assay_random random;
    size_t best[64], fixed = 0;
    float score[64];
    if (!units_new(&a, 64, 4096) || !units_new(&b, 11008, 4096))
        return;
    assay_random_start(&random, 1, 0);
    for (size_t i = 0; i < b.count * b.width; i++)
        b.values[i] = (float)assay_random_uniform(&random) - 0.5f;
    for (size_t i = 0; i < 64; i++)
        memcpy(a.values + i * a.width, b.values + 172 * i * b.width, b.width * sizeof(float));
    double start = now();
    if (units_pack(&context, &a, true, &pa, NULL) != ASSAY_OK ||
        units_pack(&context, &b, true, &pb, NULL) != ASSAY_OK)
        return;
    double packing = now() - start;
    if (match_packed(&context, &pa, &pb, best, score, NULL) != ASSAY_OK)
        return;
    double seconds = now() - start;
    for (size_t i = 0; i < 64; i++)
        fixed += best[i] == 172 * i;
    printf("64 units of 11008 x 4096 %8.4f s (packing %.4f), %zu found, log10 p %.0f\n", seconds,
           packing, fixed, assay_lineage_fixed_tail(fixed, 64, 11008));
    units_free(&a);
    units_free(&b);
    packed_free(&pa);
    packed_free(&pb);
}

/* ---- a whole comparison, beside mere reading ------------------------------------------ */

#define FEED_FORWARD 11008
#define WIDTH 4096
#define MATRICES 3
#define ROUNDS 3

/* Three matrices of a Llama 7B's layer as BF16, with `noise` standard deviations added. */
static bool write_layer(const char *path, double noise)
{
    static const char *const names[MATRICES] = {"model.layers.0.mlp.gate_proj.weight",
                                                "model.layers.0.mlp.up_proj.weight",
                                                "model.layers.0.mlp.down_proj.weight"};
    size_t n = (size_t)FEED_FORWARD * WIDTH;
    uint16_t *values = malloc(MATRICES * n * sizeof *values);
    struct assay_tensor_out out[MATRICES];
    struct assay_random random;
    static float pool[1 << 16], other[1 << 16];
    assay_random_start(&random, 2, 0);
    for (size_t i = 0; i < sizeof pool / sizeof pool[0]; i++) {
        pool[i] = (float)assay_random_normal(&random);
        other[i] = (float)(noise * assay_random_normal(&random));
    }
    for (size_t i = 0; values && i < MATRICES * n; i++) { /* every row is another mix of the pool */
        size_t x = i * 2654435761u >> 7 & 0xffff, y = (i + i / WIDTH * 977) * 40503u & 0xffff;
        float value = pool[x] + pool[y] + other[(x ^ y) & 0xffff];
        uint32_t bits;
        memcpy(&bits, &value, sizeof bits);
        values[i] = (uint16_t)(bits >> 16);
    }
    for (size_t k = 0; k < MATRICES; k++)
        out[k] = (struct assay_tensor_out){
            .name = names[k],
            .dtype = ASSAY_DTYPE_BF16,
            .rank = 2,
            .shape = {k < 2 ? FEED_FORWARD : WIDTH, k < 2 ? WIDTH : FEED_FORWARD},
            .bytes = values ? values + k * n : NULL};
    bool done = values && assay_safetensors_write(path, out, MATRICES, NULL, 0, NULL) == ASSAY_OK;
    free(values);
    return done;
}

#define PIECE ((size_t)1 << 20)

struct reading {
    const unsigned char *bytes;
    uint64_t *sums;
};

static void read_piece(void *data, size_t i)
{
    const struct reading *r = data;
    uint64_t sum[8] = {0};
    for (size_t at = 0; at < PIECE; at += sizeof sum) {
        uint64_t words[8];
        memcpy(words, r->bytes + i * PIECE + at, sizeof words);
        for (int k = 0; k < 8; k++)
            sum[k] += words[k];
    }
    for (int k = 0; k < 8; k++)
        r->sums[i] += sum[k];
}

/* Seconds that all threads take to add up every byte of memory, or of a file in the page cache. */
static double time_reading(const unsigned char *bytes, size_t size)
{
    struct assay_context context = assay_context_default();
    struct reading r = {bytes, calloc(size / PIECE + 1, sizeof(uint64_t))};
    double start = now(), seconds = 1e9;
    if (r.sums &&
        assay_parallel_for(&context, NULL, size / PIECE, read_piece, &r, NULL) == ASSAY_OK)
        seconds = now() - start;
    free(r.sums);
    return seconds;
}

static double time_reading_file(const char *path)
{
    struct assay_file file;
    double seconds = 1e9, start = now();
    if (assay_file_open(path, SIZE_MAX, &file, NULL) != ASSAY_OK)
        return seconds;
    if (time_reading(file.bytes, file.size) < 1e9)
        seconds = now() - start; /* mapping counts, as it does in a comparison */
    assay_file_close(&file);
    return seconds;
}

static double time_compare(const char *const paths[2], bool quick, double *log10_p)
{
    struct assay_checkpoint a, b;
    struct assay_lineage_comparison r;
    struct assay_context context = assay_context_default();
    struct assay_lineage_settings settings = assay_lineage_settings_default();
    double start = now(), seconds = 1e9;
    settings.quick = quick;
    if (assay_checkpoint_open(paths[0], &a, NULL) != ASSAY_OK)
        return seconds;
    if (assay_checkpoint_open(paths[1], &b, NULL) == ASSAY_OK) {
        if (assay_lineage_compare(&a, &b, &settings, &context, &r, NULL) == ASSAY_OK) {
            *log10_p = r.log10_p;
            assay_lineage_comparison_free(&r);
            seconds = now() - start;
        }
        assay_checkpoint_close(&b);
    }
    assay_checkpoint_close(&a);
    return seconds;
}

static double least(double a, double b)
{
    return a < b ? a : b;
}

/* Rounds take turns, so that what else the machine does falls on all alike; the best counts. */
static void time_files(void)
{
    char a[] = "/tmp/assay-bench-XXXXXX", b[] = "/tmp/assay-bench-XXXXXX";
    const char *const paths[2] = {a, b};
    double memory = 1e9, mapped = 1e9, full = 1e9, quick = 1e9, p = 0, quick_p = 0;
    double bytes = 2.0 * MATRICES * 2 * FEED_FORWARD * WIDTH;
    size_t size = (size_t)bytes / 4 / PIECE * PIECE;
    unsigned char *block = malloc(size);
    int file_a = mkstemp(a), file_b = mkstemp(b);
    if (block && file_a >= 0 && file_b >= 0 && write_layer(a, 0) && write_layer(b, 0.5)) {
        memset(block, 1, size);
        for (int round = 0; round < ROUNDS; round++) {
            memory = least(memory, time_reading(block, size) / (double)size);
            mapped = least(mapped, (time_reading_file(a) + time_reading_file(b)) / bytes);
            full = least(full, time_compare(paths, false, &p) / bytes);
            quick = least(quick, time_compare(paths, true, &quick_p));
        }
        printf("reading memory       %8.2f GB/s\n", 1e-9 / memory);
        printf("reading mapped files %8.2f GB/s, %3.0f%% of memory (page cache, page faults)\n",
               1e-9 / mapped, 100 * memory / mapped);
        printf("full comparison      %8.2f GB/s, %3.0f%% of memory, %3.0f%% of mapped files; "
               "log10 p %.0f\n",
               1e-9 / full, 100 * memory / full, 100 * mapped / full, p);
        printf("quick comparison     %8.4f s; log10 p %.0f\n", quick, quick_p);
    }
    free(block);
    if (file_a >= 0)
        close(file_a);
    if (file_b >= 0)
        close(file_b);
    unlink(a);
    unlink(b);
}

/* ---- many at once -------------------------------------------------------------------- */

#define SKETCHES 300

static void time_sketches(void)
{
    struct assay_sketch *all = calloc(SKETCHES, sizeof *all);
    struct assay_random random;
    size_t related = 0;
    assay_random_start(&random, 3, 0);
    for (size_t s = 0; all && s < SKETCHES; s++) {
        all[s].axis_count = ASSAY_SKETCH_AXES;
        for (size_t a = 0; a < ASSAY_SKETCH_AXES; a++) {
            struct assay_sketch_axis *axis = &all[s].axes[a];
            strcpy(axis->role, a == 0 ? "embedding" : a < 6 ? "up" : "down");
            axis->units = axis->width = WIDTH;
            axis->sampled = ASSAY_SKETCH_UNITS;
            for (size_t i = 0; i < ASSAY_SKETCH_UNITS; i++)
                for (size_t w = 0; w < ASSAY_SKETCH_BITS / 64; w++)
                    axis->bits[i][w] = assay_random_u64(&random);
        }
    }
    double start = now();
    for (size_t s = 0; all && s < SKETCHES; s++)
        related += assay_lineage_sketches_compare(&all[0], &all[s]).log10_p < -6;
    printf("%d fingerprints     %8.3f s, one core, %zu related\n\n", SKETCHES, now() - start,
           related);
    free(all);
}

/* ---- disguises ----------------------------------------------------------------------- */

static const struct {
    const char *name;
    struct assay_disguise disguise;
} disguises[] = {
    {"noise 0.3", {.noise = 0.3}},
    {"noise 1", {.noise = 1}},
    {"f16", {.quantise = "f16"}},
    {"q8_0", {.quantise = "q8_0"}},
    {"q4_0", {.quantise = "q4_0"}},
    {"prune 30%", {.prune = 0.3}},
    {"rescale", {.rescale = true}},
    {"permute", {.permute = true}},
    {"rotate", {.rotate = true}},
    {"drop 2 of 5 layers", {.drop_layers = "1,3"}},
    {"rename", {.rename = true}},
    {"rename, noise 0.3", {.rename = true, .noise = 0.3}},
    {"rename, permute, noise 0.3", {.rename = true, .permute = true, .noise = 0.3}},
    {"rename, rotate, noise 0.3", {.rename = true, .rotate = true, .noise = 0.3}},
    {"permute, rotate, noise 1", {.permute = true, .rotate = true, .noise = 1}},
    {"permute, rotate, rescale, noise 0.3",
     {.permute = true, .rotate = true, .rescale = true, .noise = 0.3}},
    {"permute, rotate, prune, q4_0",
     {.permute = true, .rotate = true, .prune = 0.3, .quantise = "q4_0"}},
    {"permute, rotate, drop, noise 0.3",
     {.permute = true, .rotate = true, .drop_layers = "2", .noise = 0.3}},
};

/* log10 p of the pair; 0 if it cannot be compared. */
static double compare(const struct assay_checkpoint *a, const char *path, bool *named)
{
    struct assay_checkpoint b;
    struct assay_lineage_comparison r;
    struct assay_context context = assay_context_default();
    struct assay_lineage_settings settings = assay_lineage_settings_default();
    double p = 0;
    if (assay_checkpoint_open(path, &b, NULL) != ASSAY_OK)
        return 0;
    if (assay_lineage_compare(a, &b, &settings, &context, &r, NULL) == ASSAY_OK) {
        p = r.log10_p;
        *named = r.relation_count > 0;
        assay_lineage_comparison_free(&r);
    }
    assay_checkpoint_close(&b);
    return p;
}

static void try_disguises(const char *source)
{
    char path[] = "/tmp/assay-bench-XXXXXX";
    struct assay_checkpoint a;
    int file = mkstemp(path);
    if (file < 0 || assay_checkpoint_open(source, &a, NULL) != ASSAY_OK) {
        printf("disguises: not tried, no %s\n", source);
        return;
    }
    close(file);
    printf("\n%-40s found at 10^-6   weakest log10 p   seconds a pair\n", "disguise");
    for (size_t i = 0; i < sizeof disguises / sizeof disguises[0]; i++) {
        struct assay_disguise d = disguises[i].disguise;
        double weakest = -1e9, seconds = 0;
        int found = 0;
        for (d.seed = 1; d.seed <= SEEDS; d.seed++) {
            bool named = false;
            if (assay_lineage_disguise(&a, &d, path, NULL) != ASSAY_OK)
                continue;
            double start = now(), p = compare(&a, path, &named);
            seconds += (now() - start) / SEEDS;
            found += p < -6 && named;
            weakest = p > weakest ? p : weakest;
        }
        printf("%-40s %5d of %-5d %17.1f %16.3f\n", disguises[i].name, found, SEEDS, weakest,
               seconds);
    }
    assay_checkpoint_close(&a);
    unlink(path);
}

int main(void)
{
    const char *shared = getenv("ASSAY_SHARED"), *source = getenv("ASSAY_SOURCE");
    char path[4200];
    struct kernel_choice list[KERNEL_KINDS];
    size_t kinds = kernel_list(list);
    for (size_t i = 0; i < kinds; i++)
        time_kernel(&list[i]);
    time_layer();
    time_files();
    time_sketches();
    snprintf(path, sizeof path, "%s%s/models/llama2c/stories260K.bin",
             shared   ? shared
             : source ? source
                      : ".",
             shared ? "" : "/../shared");
    try_disguises(path);
    return 0;
}
