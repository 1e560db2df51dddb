/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lineage room, timed and tried: the matching kernels; one layer of a 7-billion-parameter
 * Llama (64 units against 11,008 of width 4,096); and, where the shared data are, how often each
 * disguise of a real transformer is seen through, over 20 seeds.
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
    snprintf(path, sizeof path, "%s%s/models/llama2c/stories260K.bin",
             shared   ? shared
             : source ? source
                      : ".",
             shared ? "" : "/../shared");
    try_disguises(path);
    return 0;
}
