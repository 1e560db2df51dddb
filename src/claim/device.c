/* SPDX-License-Identifier: Apache-2.0 */
#include "claim/device.h"

#include <math.h>

/*
 * Shapes of output tiles that matrix libraries choose among, and the rate each reaches where
 * all are full, relative to the first: a smaller tile reads its operands more often (NVIDIA's
 * guide, figure 8, orders them so; the factors are the ratio of operations to operand bytes,
 * softened to its square root because caches serve neighbours).
 */
static const struct tile {
    double m, n, rate;
} tiles[] = {
    {256, 128, 1.0}, {128, 256, 1.0}, {128, 128, 0.87},
    {64, 256, 0.77}, {64, 128, 0.71}, {64, 64, 0.61},
};

static double rate_of(const struct assay_accelerator *a, enum number_width width)
{
    double rates[WIDTH_COUNT] = {a->flops_fp4, a->flops_fp8, a->flops_bf16, a->flops_fp32};
    for (unsigned w = width; w < WIDTH_COUNT; w++)
        if (rates[w] > 0)
            return rates[w];
    return a->flops_bf16;
}

/*
 * Watts a 16-bit operation bound what share of its peak a device sustains: an A100 has 1.28 W a
 * TFLOP/s and reaches most of it, an H100 0.71, a B200 0.40, and clocks fall under load. A device
 * without a stated power is taken as the A100.
 */
static double power_share(const struct assay_accelerator *a, double exponent)
{
    static const double ample = 400 / 312e12;
    if (!(a->tdp_watts > 0) || !(a->flops_bf16 > 0))
        return 1;
    return fmin(1, pow(a->tdp_watts / a->flops_bf16 / ample, exponent));
}

void device_set(struct device *device, const struct assay_run *run,
                const struct assay_efficiency *efficiency)
{
    const struct assay_accelerator *a = &run->machine.accelerator;
    static const enum number_width linear[] = {
        [ASSAY_PRECISION_BF16] = WIDTH_16, [ASSAY_PRECISION_FP8] = WIDTH_8,
        [ASSAY_PRECISION_FP4] = WIDTH_4,   [ASSAY_PRECISION_TF32] = WIDTH_32,
        [ASSAY_PRECISION_FP32] = WIDTH_32, [ASSAY_PRECISION_MXFP8] = WIDTH_8,
    };
    double units = a->compute_units > 0 ? a->compute_units : 1;
    double kept = fmax(1.0, units - (double)run->communication_units);
    double powered = power_share(a, efficiency->power);

    device->units = kept;
    device->linear = linear[run->precision];
    for (unsigned w = 0; w < WIDTH_COUNT; w++) {
        double share = w == device->linear ? efficiency->matrix : efficiency->matrix_plain;
        device->matrix_rate[w] = rate_of(a, w) * share * powered * kept / units;
    }
    if (run->precision == ASSAY_PRECISION_TF32 && a->flops_tf32 > 0)
        device->matrix_rate[WIDTH_32] = a->flops_tf32 * efficiency->matrix * powered * kept / units;
    device->operand_bytes[WIDTH_4] = 0.5;
    device->operand_bytes[WIDTH_8] = 1;
    device->operand_bytes[WIDTH_16] = 2;
    device->operand_bytes[WIDTH_32] = 4;
    device->depth = efficiency->matrix_depth;
    device->grouped = efficiency->grouped;
    device->attention_rate = rate_of(a, WIDTH_16) * efficiency->attention * kept / units;
    device->attention_unfused_rate =
        rate_of(a, WIDTH_16) * efficiency->attention_unfused * kept / units;
    device->memory_rate = a->memory_bandwidth * efficiency->memory;
    device->launch = efficiency->launch_seconds;
}

/* Share of the full rate that the best tile shape reaches on m x n outputs. */
static double tile_share(double units, double m, double n, double batch)
{
    double best = 0;
    for (unsigned i = 0; i < sizeof tiles / sizeof tiles[0]; i++) {
        double count = ceil(m / tiles[i].m) * ceil(n / tiles[i].n) * batch;
        double waves = ceil(count / units);
        double computed = waves * units * tiles[i].m * tiles[i].n;
        double share = tiles[i].rate * m * n * batch / computed;
        best = share > best ? share : best;
    }
    return best;
}

double device_matrix_seconds(const struct device *device, enum number_width width, double m,
                             double n, double k, double batch)
{
    if (m <= 0 || n <= 0 || k <= 0 || batch <= 0)
        return 0;
    /* A long inner dimension is split when there are too few tiles to fill the device. */
    double split = fmax(1.0, fmin(floor(k / 2048.0), device->units * 128 * 128 / (m * n * batch)));
    double share = tile_share(device->units, m, n, batch * floor(split));
    double depth = k / split;
    double arithmetic =
        2 * m * n * k * batch / (device->matrix_rate[width] * share) * (1 + device->depth / depth);
    double bytes =
        batch * ((m * k + k * n) * device->operand_bytes[width] + 2 * m * n * floor(split));
    return fmax(arithmetic, bytes / device->memory_rate);
}
