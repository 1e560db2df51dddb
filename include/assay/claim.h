/* SPDX-License-Identifier: Apache-2.0 */
/*
 * claim: the hardware question. Given what was claimed of a training run (architecture, tokens,
 * accelerators, layout, hours), how long would those methods on that hardware have taken, and
 * which other hardware fits the claim as well?
 *
 * The forward model is analytic: it lays out every operator of a training step on the devices
 * of a plan and adds up their times. It informs; it does not determine. docs/claim.md describes
 * it and shows how far it is from measured runs.
 */
#ifndef ASSAY_CLAIM_H
#define ASSAY_CLAIM_H

#include <assay/base.h>
#include <assay/finding.h>
#include <assay/formats.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- facts: accelerators -------------------------------------------------------------- */

/*
 * One kind of accelerator, as data/accelerators.csv has it. A number that the table lacks is
 * 0 (a device without FP8 has flops_fp8 0). Rates are dense (no sparsity), a device as sold
 * (both dies of a two-die package), one direction for links.
 */
struct assay_accelerator {
    const char *name;       /* "H800-SXM" */
    const char *vendor;     /* "nvidia", "amd", "google", "intel", "huawei", "amazon", ... */
    const char *generation; /* "hopper": kinds that share efficiency parameters */
    double flops_fp32, flops_tf32, flops_bf16, flops_fp8, flops_fp4; /* operations/s */
    double memory_bytes;        /* as the seller names it: 80e9 for 80 GB */
    double memory_usable_bytes; /* as the driver reports it, often nearer to GiB; 0: not known */
    double memory_bandwidth;    /* bytes/s */
    double scale_up_bandwidth;  /* bytes/s a device, one direction (NVLink, ICI, ...) */
    double scale_out_bandwidth; /* bytes/s a device, one direction (InfiniBand, RoCE) */
    double compute_units;       /* SMs, CUs or cores among which a matrix product is tiled */
    double tdp_watts, idle_watts;
    double die_area_mm2;
    int scale_up_domain;        /* devices that share the scale-up network */
    const char *launch_date;    /* ISO 8601, or NULL */
    const char *release_status; /* NULL, or a note such as "announced" */
};

/* A way people write an accelerator, for assay_accelerator_find. */
struct assay_accelerator_alias {
    const char *key;     /* without case, punctuation and words that name no kind */
    double memory_bytes; /* the alias means only a device named with this much; 0: any */
    size_t accelerator;  /* index */
};

/* Everything read from data/: accelerators now. Strings and arrays live in `arena`. */
struct assay_claim_data {
    struct assay_arena *arena;
    const struct assay_accelerator *accelerators;
    size_t accelerator_count;
    const struct assay_accelerator_alias *aliases;
    size_t alias_count;
    struct assay_exhibit accelerators_file; /* what was read, by digest */
};

/*
 * Reads `folder`/accelerators.csv. A value that is not a number, a unit other than the field's
 * own, a row twice for one accelerator and field, a field, grade or column that nobody knows, an
 * accelerator without vendor, generation, 16-bit rate, memory or memory bandwidth:
 * ASSAY_ERROR_INPUT with file and line.
 * assay_claim_data_free frees it; harmless on a zeroed one.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_claim_data_read(const char *folder,
                                                            struct assay_claim_data *data,
                                                            struct assay_error *error);
ASSAY_API void assay_claim_data_free(struct assay_claim_data *data);

/*
 * The accelerator that `name` means: its name in the table, or one of the ways people write it
 * ("H100", "h100 sxm5 80GB", "A100-80GB-SXM", "Ascend-910B (Atlas 900 A2 PODc)"). NULL if none,
 * or if two are meant equally. `memory_bytes` (may be NULL) gets the memory that the name
 * itself states (40e9 for "A100-40GB-SXM"), else 0.
 */
ASSAY_API const struct assay_accelerator *
assay_accelerator_find(const struct assay_claim_data *data, const char *name, double *memory_bytes);

/* ---- facts: measured training runs ---------------------------------------------------- */

/*
 * One row of data/training_runs.csv, as printed by its source. Text that is absent is "",
 * numbers that are absent are NaN. The header of the file explains the columns.
 */
struct assay_training_run {
    long line;
    const char *id, *group, *kind, *model, *family, *attention;
    const char *precision, *accelerator, *zero, *recompute, *sequence_parallel, *overlap_schedule;
    const char *architecture_source, *source, *confidence, *tier, *notes;
    const char *software;  /* optional column: the software generation, "" where unknown */
    const char *dropped;   /* optional column: why the row is not to be scored, "" if it is */
    double layers, hidden, heads, kv_heads, ffn, vocabulary, sequence;
    double experts, experts_active, expert_ffn;
    double head_dim; /* optional column: absent where it is hidden / heads */
    double parameters, active_parameters, tokens;      /* units, not billions */
    double devices, tensor, pipeline, virtual_stages, data_parallel, expert_parallel, context;
    double micro_batch, global_batch;                  /* sequences */
    double flops_per_device;                           /* operations/s, as printed */
    double mfu, hfu;                                   /* fractions, as printed */
    double step_seconds, tokens_per_second_per_device;
    double peak_memory_bytes; /* a printed "GB" counts 1e9, though nvidia-smi's are GiB */
    double device_hours, wall_seconds, node_watts;
    double derived_tokens_per_second_per_device;
};

struct assay_training_runs {
    struct assay_arena *arena;
    const struct assay_training_run *rows;
    size_t count;
    struct assay_exhibit file;
};

/*
 * Reads a table with the header of data/training_runs.csv; the columns `head_dim`, `software` and
 * `dropped` may be missing, the order of columns is free, an unknown or missing column is an
 * error, and so are an id twice and a cell that should be a number of at least 0 and is not.
 * Several numbers in one cell ("32768/131072": phases of a run) count as absent.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_training_runs_read(const char *path,
                                                               struct assay_training_runs *runs,
                                                               struct assay_error *error);
ASSAY_API void assay_training_runs_free(struct assay_training_runs *runs);

#ifdef __cplusplus
}
#endif
#endif
