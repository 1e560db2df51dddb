/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens a second that the lab trains on, one model a core, beside what the cores could do. */
#include "lab/train.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* Of this thread on a processor: what else the machine does is not counted, but for the caches. */
static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- the floor: fused multiply-adds in registers -------------------------------------- */

#if defined(__x86_64__)
#define TURNS 4000000

__attribute__((target("avx512f"))) static float fma_avx512(void)
{
    __m512 sum[14], a = _mm512_set1_ps(0.5f);
    for (int j = 0; j < 14; j++)
        sum[j] = _mm512_set1_ps((float)j);
    for (int i = 0; i < TURNS; i++) {
#pragma GCC unroll 14
        for (int j = 0; j < 14; j++)
            sum[j] = _mm512_fmadd_ps(a, a, sum[j]);
        __asm__ volatile("" : "+v"(a));
    }
    for (int j = 1; j < 14; j++)
        sum[0] = _mm512_add_ps(sum[0], sum[j]);
    return _mm512_reduce_add_ps(sum[0]);
}

__attribute__((target("avx2,fma"))) static float fma_avx2(void)
{
    __m256 sum[14], a = _mm256_set1_ps(0.5f);
    for (int j = 0; j < 14; j++)
        sum[j] = _mm256_set1_ps((float)j);
    for (int i = 0; i < TURNS; i++) {
#pragma GCC unroll 14
        for (int j = 0; j < 14; j++)
            sum[j] = _mm256_fmadd_ps(a, a, sum[j]);
        __asm__ volatile("" : "+x"(a));
    }
    for (int j = 1; j < 14; j++)
        sum[0] = _mm256_add_ps(sum[0], sum[j]);
    return _mm256_cvtss_f32(sum[0]);
}

/* FLOP/s of one core, all cores busy. */
static double peak(void)
{
    bool wide = __builtin_cpu_supports("avx512f");
    if (!wide && !__builtin_cpu_supports("fma"))
        return 0;
    volatile float sink;
    double best = 0;
    for (int r = 0; r < 5; r++) {
        double start = seconds();
        sink = wide ? fma_avx512() : fma_avx2();
        double rate = (wide ? 32 : 16) * 14.0 * TURNS / (seconds() - start);
        best = rate > best ? rate : best;
    }
    (void)sink;
    return best;
}
#else
static double peak(void)
{
    return 0;
}
#endif

/* ---- training ------------------------------------------------------------------------ */

/* Of a training step, a token: 6 x the matrices' weights (of experts, those that it visits), and
 * attention's (half masked). */
static double flops(const struct lab_shape *s, size_t length)
{
    double c = s->width, kv = c / s->heads * s->kv_heads, layer = 2 * c * c + 2 * kv * c;
    layer +=
        s->experts ? c * s->experts + 3 * c * s->hidden * s->experts_per_token : 3 * c * s->hidden;
    return 6 * (s->layers * layer + (double)s->vocabulary * c) +
           12.0 * s->layers * c * (double)(length + 1) / 2;
}

/* Tokens a second of one model; the best of `steps` steps, after one that warms up. */
static double train(enum lab_precision precision, const struct lab_shape *shape, size_t rows,
                    size_t length, int steps)
{
    struct lab_model m;
    struct lab_tape *tape = NULL;
    struct lab_trainer trainer;
    struct assay_random random;
    struct lab_schedule schedule = lab_schedule_default();
    uint16_t *tokens = malloc(rows * (length + 1) * sizeof *tokens);
    double best = 0;
    if (!tokens || lab_model_new(shape, 1, &m, NULL) != ASSAY_OK ||
        lab_trainer_new(&m, &schedule, &trainer, NULL) != ASSAY_OK ||
        lab_tape_new_in(precision, shape, rows, length, &tape, NULL) != ASSAY_OK)
        exit(1);
    assay_random_start(&random, 1, 0);
    for (int i = 0; i <= steps; i++) {
        for (size_t k = 0; k < rows * (length + 1); k++)
            tokens[k] = (uint16_t)assay_random_below(&random, shape->vocabulary);
        double start = seconds();
        lab_trainer_step(&trainer, tape, tokens, NULL);
        double rate = (double)(rows * length) / (seconds() - start);
        best = i && rate > best ? rate : best;
    }
    lab_tape_free(tape);
    lab_trainer_free(&trainer);
    lab_model_free(&m);
    free(tokens);
    return best;
}

/* One a core, at the same time; their rates are added. */
#define MOST_CORES 256

struct side_by_side {
    enum lab_precision precision;
    const struct lab_shape *shape;
    size_t length;
    double rate[MOST_CORES];
};

static void train_one(void *data, size_t i)
{
    struct side_by_side *s = data;
    s->rate[i] = train(s->precision, s->shape, 8, s->length, 6);
}

static void peak_one(void *data, size_t i)
{
    struct side_by_side *s = data;
    s->rate[i] = peak();
}

static double sum_side_by_side(assay_parallel_function *one, struct side_by_side *s, int threads)
{
    struct assay_context context = assay_context_default();
    double sum = 0;
    context.threads = threads;
    if (assay_parallel_for(&context, NULL, (size_t)threads, one, s, NULL) != ASSAY_OK)
        exit(1);
    for (int i = 0; i < threads; i++)
        sum += s->rate[i];
    return sum;
}

static int cores(void)
{
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online < 1 ? 1 : online > MOST_CORES ? MOST_CORES : (int)online;
}

/* --only: the one row of this name, for a profiler. */
static const char *only;

static void row(const char *name, enum lab_precision precision, const struct lab_shape *shape,
                size_t length, double floor, int threads, bool json)
{
    static const char *const names[] = {"f32", "bf16", "amx"};
    const char *in = names[precision];
    char whole[64];
    snprintf(whole, sizeof whole, "%s %s", name, in);
    if (only && strcmp(only, whole) != 0)
        return;
    double all = 0, work = flops(shape, length);
    struct side_by_side models = {precision, shape, length, {0}};
    all = sum_side_by_side(train_one, &models, threads);
    if (json) {
        printf("{\"name\": \"%s\", \"precision\": \"%s\", \"tokens_per_second\": %.0f, "
               "\"flops\": %.4g, \"floor\": %.4g}\n",
               name, in, all, all * work, floor);
    } else {
        printf("%-24s  %-4s  %7.1f  %9.0f  %8.0f", name, in, work * 1e-6, all, all * work * 1e-9);
        if (floor > 0)
            printf("  %9.0f  %5.0f %%", floor / work, 100 * all * work / floor);
        printf("\n");
    }
    fflush(stdout);
}

/* With --json: one object a line, for race_torch.py; with --only "C 256, 4 layers, V 4096 bf16"
 * that row alone. */
int main(int count, char **arguments)
{
    const struct lab_shape wide = {4096, 256, 4, 4, 4, 688, 256, true, 0, 0};
    const struct lab_shape half = {4096, 128, 4, 4, 4, 344, 256, true, 0, 0};
    const struct lab_shape mixture = {4096, 128, 4, 4, 4, 344, 256, true, 8, 2};
    const struct lab_shape bytes = {128, 64, 2, 4, 4, 128, 256, true, 0, 0};
    bool json = count > 1 && strcmp(arguments[1], "--json") == 0;
    if (count > 2 && strcmp(arguments[1], "--only") == 0)
        only = arguments[2];
    int threads = cores();
    double floor = 0;
    struct side_by_side peaks = {.rate = {0}};
    floor = sum_side_by_side(peak_one, &peaks, threads);
    if (!json)
        printf("Training, %d models on %d cores; %.0f GFLOP/s of float32 multiply-adds.\n\n"
               "model                           MFLOP a   tokens a   GFLOP/s      floor    share\n"
               "                                  token     second             tokens/s\n",
               threads, threads, floor * 1e-9);
    for (int p = LAB_FLOAT32; p <= LAB_BFLOAT16_TILES; p++) {
        enum lab_precision in = (enum lab_precision)p;
        enum lab_processor by = lab_processor_fastest(in);
        if (by == LAB_PLAIN_BF16 || by == LAB_PLAIN_TILES)
            continue;
        double best = in == LAB_FLOAT32    ? floor
                      : in == LAB_BFLOAT16 ? 2 * floor /* VDPBF16PS does two at once */
                                           : 0;        /* of tiles nothing is known here */
        row("C 256, 4 layers, V 4096", in, &wide, 256, best, threads, json);
        row("C 128, 4 layers, V 4096", in, &half, 256, best, threads, json);
        row("C 128, 2 of 8 experts", in, &mixture, 256, best, threads, json);
        row("C 64, 2 layers, V 128", in, &bytes, 256, best, threads, json);
    }
    return 0;
}
