/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lineage room, timed and tried: the matching kernels; one layer of a 7-billion-parameter
 * Llama (64 units against 11,008 of width 4,096); two files of three such matrices compared, beside
 * mere reading; fingerprints; and, where the shared data are, how often each disguise of a real
 * transformer is seen through, over 20 seeds.
 */
#include "lineage/match.h"

#include <assay/lineage.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SEEDS 20

static double clock_of(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static double now(void)
{
    return clock_of(CLOCK_MONOTONIC);
}

/* Seconds by the clock on the wall, and of all threads' processor time together. */
struct times {
    double wall, processor;
};

static struct times start_times(void)
{
    return (struct times){clock_of(CLOCK_MONOTONIC), clock_of(CLOCK_PROCESS_CPUTIME_ID)};
}

/* The least of `best` and what has passed since `start`, per `amount`. */
static void keep_least(struct times *best, struct times start, double amount)
{
    struct times end = start_times();
    double wall = (end.wall - start.wall) / amount;
    double processor = (end.processor - start.processor) / amount;
    best->wall = wall < best->wall ? wall : best->wall;
    best->processor = processor < best->processor ? processor : best->processor;
}

/* 64 units against 16, of width 4096. */
static void time_kernel(const struct kernel_choice *choice)
{
    enum { TILES = 4096 / KERNEL_COORDINATES };
    static int8_t rows[KERNEL_MOST_PANELS * TILES * KERNEL_TILE], right[TILES * KERNEL_TILE];
    static int32_t sums[KERNEL_MOST_PANELS * KERNEL_UNITS];
    int32_t product[KERNEL_MOST_PANELS][KERNEL_UNITS][KERNEL_UNITS];
    struct kernel_left left = {KERNEL_MOST_PANELS, TILES, rows, sums};
    struct times start = start_times(), each = {1, 1};
    long count = 0;
    while (now() - start.wall < 0.3)
        for (int i = 0; i < 10; i++, count++)
            choice->kernel(&left, right, product);
    keep_least(&each, start, 64.0 * 16 * 4096 * (double)count);
    printf("kernel %-14s %8.1f thousand million multiply-adds a processor second\n", choice->name,
           1e-9 / each.processor);
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
    struct times start = start_times(), packing = {1e9, 1e9}, all = {1e9, 1e9};
    if (units_pack(&context, &a, true, &pa, NULL) != ASSAY_OK ||
        units_pack(&context, &b, true, &pb, NULL) != ASSAY_OK)
        return;
    keep_least(&packing, start, 1);
    if (match_packed(&context, &pa, &pb, best, score, NULL) != ASSAY_OK)
        return;
    keep_least(&all, start, 1);
    for (size_t i = 0; i < 64; i++)
        fixed += best[i] == 172 * i;
    printf("64 units of 11008 x 4096 %8.4f s, %.4f processor seconds (packing %.4f), %zu found, "
           "log10 p %.0f\n",
           all.wall, all.processor, packing.processor, fixed,
           assay_lineage_fixed_tail(fixed, 64, 11008));
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

/* Adds up every byte, on all threads. */
static void read_all(const unsigned char *bytes, size_t size)
{
    struct assay_context context = assay_context_default();
    struct reading r = {bytes, calloc(size / PIECE + 1, sizeof(uint64_t))};
    uint64_t sum = 0;
    if (r.sums &&
        assay_parallel_for(&context, NULL, size / PIECE, read_piece, &r, NULL) == ASSAY_OK)
        for (size_t i = 0; i < size / PIECE; i++)
            sum += r.sums[i];
    if (sum == 42) /* so that nobody optimises the reading away */
        puts("");
    free(r.sums);
}

/* Mapping and unmapping count, as they do in a comparison. */
static void read_file(const char *path)
{
    struct assay_file file;
    if (assay_file_open(path, SIZE_MAX, &file, NULL) == ASSAY_OK)
        read_all(file.bytes, file.size);
    assay_file_close(&file);
}

/*
 * Leaves the file in the page cache as reading it from disk does, in large pages where the file
 * system has them: what has just been written lies there in small ones, which are slow to map.
 */
static void cache_as_read(const char *path)
{
    int file = open(path, O_RDONLY);
    if (file < 0)
        return;
    (void)fsync(file);
    (void)posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
    close(file);
    read_file(path);
}

static double compare_files(const char *const paths[2], bool quick)
{
    struct assay_checkpoint a, b;
    struct assay_lineage_comparison r;
    struct assay_context context = assay_context_default();
    struct assay_lineage_settings settings = assay_lineage_settings_default();
    double log10_p = 1;
    settings.quick = quick;
    if (assay_checkpoint_open(paths[0], &a, NULL) != ASSAY_OK)
        return log10_p;
    if (assay_checkpoint_open(paths[1], &b, NULL) == ASSAY_OK) {
        if (assay_lineage_compare(&a, &b, &settings, &context, &r, NULL) == ASSAY_OK) {
            log10_p = r.log10_p;
            assay_lineage_comparison_free(&r);
        }
        assay_checkpoint_close(&b);
    }
    assay_checkpoint_close(&a);
    return log10_p;
}

static void print_rate(const char *what, struct times t, struct times memory, struct times mapped)
{
    printf("%-22s %6.2f GB/s, %6.2f GB a processor second: %3.0f%% of memory, %3.0f%% of mapped "
           "files\n",
           what, 1e-9 / t.wall, 1e-9 / t.processor, 100 * memory.processor / t.processor,
           100 * mapped.processor / t.processor);
}

/*
 * Rounds take turns, so that what else the machine does falls on all alike; the best counts.
 * Shares are of processor time, which other work disturbs least.
 */
static void time_files(void)
{
    char a[] = "/tmp/assay-bench-XXXXXX", b[] = "/tmp/assay-bench-XXXXXX";
    const char *const paths[2] = {a, b};
    struct times memory = {1, 1}, mapped = {1, 1}, full = {1, 1}, quick = {1e9, 1e9};
    double bytes = 2.0 * MATRICES * 2 * FEED_FORWARD * WIDTH, p = 1, quick_p = 1;
    size_t size = (size_t)bytes / 4 / PIECE * PIECE;
    unsigned char *block = malloc(size);
    int file_a = mkstemp(a), file_b = mkstemp(b);
    if (block && file_a >= 0 && file_b >= 0 && write_layer(a, 0) && write_layer(b, 0.5)) {
        memset(block, 1, size);
        cache_as_read(a);
        cache_as_read(b);
        for (int round = 0; round < ROUNDS; round++) {
            struct times start = start_times();
            read_all(block, size);
            keep_least(&memory, start, (double)size);
            start = start_times();
            read_file(a);
            read_file(b);
            keep_least(&mapped, start, bytes);
            start = start_times();
            p = compare_files(paths, false);
            keep_least(&full, start, bytes);
            start = start_times();
            quick_p = compare_files(paths, true);
            keep_least(&quick, start, 1);
        }
        print_rate("reading memory", memory, memory, mapped);
        print_rate("reading mapped files", mapped, memory, mapped);
        print_rate("full comparison", full, memory, mapped);
        printf("%-22s %6.4f s, %6.4f processor seconds; log10 p %.0f, full %.0f\n",
               "quick comparison", quick.wall, quick.processor, quick_p, p);
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
    struct times start = start_times(), took = {1e9, 1e9};
    for (size_t s = 0; all && s < SKETCHES; s++)
        related += assay_lineage_sketches_compare(&all[0], &all[s]).log10_p < -6;
    keep_least(&took, start, 1);
    printf("%d fingerprints       %6.3f s, %6.3f processor seconds, one core; %zu related\n\n",
           SKETCHES, took.wall, took.processor, related);
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
