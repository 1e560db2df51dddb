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

/* Versions of methods, as in their findings: they change when the numbers could. */
#define ASSAY_CLAIM_INFER_VERSION "4" /* of the method claim.infer */

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

/* What the efficiency parameters of the forward model are, and how well they are known. */
struct assay_efficiency_table;

/* Everything read from data/. Strings and arrays live in `arena`. */
struct assay_claim_data {
    struct assay_arena *arena;
    const struct assay_accelerator *accelerators;
    size_t accelerator_count;
    const struct assay_accelerator_alias *aliases;
    size_t alias_count;
    struct assay_exhibit accelerators_file; /* what was read, by digest */
    const struct assay_efficiency_table *efficiency;
    struct assay_exhibit efficiency_file;
    const struct assay_clue_fact *clue_facts; /* by enum assay_clue_kind; in evidence.h */
    struct assay_exhibit clues_file;
    struct assay_grades grades; /* of clues: data/source_reliability.csv */
};

/*
 * Reads accelerators.csv, efficiency.csv, clues.csv and source_reliability.csv of `folder`. A value
 * that is not a number, a unit other than the field's own, a row twice for one accelerator and
 * field, a field, grade or column that nobody knows, an accelerator without vendor, generation,
 * 16-bit rate, memory or memory bandwidth: ASSAY_ERROR_INPUT with file and line.
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

/* For a message about an unknown `name`: the table's five names that are spelt most like it, with
 * commas between, as many as `size` (at least 1) bytes hold. */
ASSAY_API void assay_accelerator_near(const struct assay_claim_data *data, const char *name,
                                      char *list, size_t size);

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
    double network_bandwidth; /* optional column: bytes/s a device, one direction, between nodes */
    const char *software;     /* optional column: the software generation, "" where unknown */
    const char *dropped;      /* optional column: why the row is not to be scored, "" if it is */
    const char *unreadable;   /* NULL, or which cell is no number: then no number of it counts */
    double layers, hidden, heads, kv_heads, ffn, vocabulary, sequence;
    double experts, experts_active, expert_ffn;
    double head_dim; /* optional column: absent where it is hidden / heads */
    double parameters, active_parameters, tokens; /* units, not billions */
    double devices, tensor, pipeline, virtual_stages, data_parallel, expert_parallel, context;
    double micro_batch, global_batch; /* sequences */
    double flops_per_device;          /* operations/s, as printed */
    double mfu, hfu;                  /* fractions, as printed */
    double step_seconds, tokens_per_second_per_device;
    double peak_memory_bytes; /* a printed "GB" counts 1e9, though nvidia-smi's are GiB */
    double device_hours, wall_seconds, node_watts;
    double derived_tokens_per_second_per_device;
};

struct assay_training_runs {
    struct assay_arena *arena;
    const struct assay_training_run *rows;
    size_t count, unreadable; /* of them, rows with a cell that is no number */
    struct assay_exhibit file;
};

/*
 * Reads a table with the header of data/training_runs.csv; the columns `head_dim`, `software` and
 * `dropped` may be missing, the order of columns is free, an unknown or missing column is an
 * error, and so is an id twice. A row with a cell that should be a number of at least 0 and is not
 * is read and marked `unreadable`: assay_claim_validate lists it unused, assay_claim_calibrate
 * refuses the table. Several numbers in one cell ("32768/131072": phases of a run) count as absent.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_training_runs_read(const char *path,
                                                               struct assay_training_runs *runs,
                                                               struct assay_error *error);
ASSAY_API void assay_training_runs_free(struct assay_training_runs *runs);

/* ---- a run: what was done, or is said to have been done ------------------------------- */

enum assay_precision {
    ASSAY_PRECISION_BF16, /* or FP16: the same rate on every device in the table */
    ASSAY_PRECISION_FP8,  /* linear layers in FP8; attention, head, router and norms in BF16 */
    ASSAY_PRECISION_FP4,  /* linear layers in FP4, the rest as above */
    ASSAY_PRECISION_TF32,
    ASSAY_PRECISION_FP32,
    ASSAY_PRECISION_MXFP8, /* FP8 with a scale for every 32 values, or for tiles: more kernels */
};

enum assay_recompute {
    ASSAY_RECOMPUTE_NONE,
    ASSAY_RECOMPUTE_SELECTIVE, /* cheap parts only: norms, activations, attention core where it is
                                  not fused (arXiv 2205.05198, 5; arXiv 2412.19437, 3.2.3) */
    ASSAY_RECOMPUTE_FULL,      /* every layer's forward pass once more */
};

enum assay_schedule {
    ASSAY_SCHEDULE_1F1B,        /* interleaved where virtual_stages > 1 (arXiv 2104.04473, 2.2) */
    ASSAY_SCHEDULE_ZERO_BUBBLE, /* ZB-H1 (arXiv 2401.10241, 2.3) */
    ASSAY_SCHEDULE_DUALPIPE,    /* (arXiv 2412.19437, 3.2.1) */
};

/* How the work is laid out. devices = tensor * context * pipeline * data. */
struct assay_plan {
    int tensor;           /* ranks that split each matrix; >= 1 */
    int context;          /* ranks that split each sequence; >= 1 */
    int pipeline;         /* stages; >= 1 */
    int virtual_stages;   /* chunks of layers a stage; >= 1 */
    int data;             /* replicas of the pipeline; >= 1 */
    int expert;           /* ranks among which routed experts are spread, out of tensor * context *
                             data; >= 1, divides experts and tensor * context * data */
    int zero;             /* optimizer (1), gradients (2), weights too (3, FSDP) sharded over
                             context * data; 0: replicated */
    int64_t micro_batch;  /* sequences a replica's forward pass */
    int64_t global_batch; /* sequences a step; a multiple of micro_batch * data */
    enum assay_recompute recompute;
    enum assay_schedule schedule;
    bool sequence_parallel; /* norms and residuals split over `tensor` (arXiv 2205.05198, 4.2) */
    bool unfused_attention; /* scores written to memory, as before FlashAttention */
};

/* A machine: `devices` of one accelerator, with what the run says differently from the table. */
struct assay_machine {
    struct assay_accelerator accelerator; /* a copy, overrides applied */
    int64_t devices;
};

/* What was claimed of a run; NaN where nothing was. */
struct assay_claimed {
    double device_hours;       /* of pre-training: tokens * step / batch, and what it lost */
    double device_hours_total; /* all stages */
    double device_hours_per_token;
    double wall_seconds;
    double step_seconds;
    double tokens_per_second_per_device;
    double mfu; /* fraction; 6N without attention unless the source says otherwise */
};

/* What can be known of a run from outside its own claim; data/clues.csv has the figures. */
enum assay_clue_kind {
    ASSAY_CLUE_POWER,        /* watts at the meter, mean over the run */
    ASSAY_CLUE_ENERGY,       /* joules at the meter, over the run */
    ASSAY_CLUE_SERVERS,      /* pieces */
    ASSAY_CLUE_TRANSCEIVERS, /* pieces */
    ASSAY_CLUE_NICS,         /* pieces */
    ASSAY_CLUE_HBM,          /* bytes of device memory */
    ASSAY_CLUE_SHIPPED,      /* devices of `accelerator` that came in and did not leave */
    ASSAY_CLUE_INSPECTED, /* a device seen was of kind `accelerator`; value: chance of no error */
    ASSAY_CLUE_STAFF,     /* people who run the cluster */
    ASSAY_CLUE_CAPITAL,   /* US dollars spent on it */
    ASSAY_CLUE_RENT,      /* US dollars paid for the run's device-hours */
    ASSAY_CLUE_SPEED,     /* seconds a step, from a log or trace and not from the claim */
    ASSAY_CLUE_COUNT
};

struct assay_clue {
    enum assay_clue_kind kind;
    const char *name;                            /* as the file names it, else the kind */
    double value;                                /* SI */
    double log_sd;                               /* of the observation itself */
    char reliability;                            /* A to F: of the source */
    int credibility;                             /* 1 to 6: of the information */
    const struct assay_accelerator *accelerator; /* of shipped and inspected, else NULL */
    double begin, receipts, shipments, end;      /* of shipped as a balance, else NaN */
    const char *source, *date;                   /* NULL if not given */
    long line;
};

/* Who holds which prior over hardware. */
struct assay_prior_weight {
    const struct assay_accelerator *accelerator;
    double weight;
};
struct assay_priors {
    const char *holder;                       /* NULL if not given */
    const struct assay_prior_weight *weights; /* of kinds */
    size_t weight_count;
    double other_weight; /* of kinds that are not listed; 1 usual */
    double count_log_sd; /* of the logarithm of the count around the stated one; NaN: all alike */
    double share_low, share_high; /* of the days, the share in which devices worked; uniform */
    double mixed;                 /* prior that half of the stated kind was another kind; 0 usual */
};

struct assay_run {
    const char *path;
    char name[128];
    struct assay_architecture architecture;
    double tokens;    /* of the whole run; NaN if not stated: then no hours, only a step */
    int64_t sequence; /* tokens */
    enum assay_precision precision;
    char software[32]; /* software generation, a scope of the efficiency table; "" if unknown */
    double optimizer_bytes; /* bytes of optimizer state a weight, master copy included; 12 usual */
    double gradient_bytes;  /* bytes a weight of the gradient accumulator; 4 usual */
    double weight_bytes;    /* bytes a weight that products read; 2 usual, 1 where FP8 is kept */
    int64_t communication_units; /* compute units that do nothing but communicate; 0 usual */
    bool blocking_launches;      /* the host waits for every kernel (CUDA_LAUNCH_BLOCKING=1) */
    struct assay_machine machine;
    struct assay_plan plan;
    bool plan_known; /* false: the plan is Assay's choice (see assay_plan_choose) */
    struct assay_claimed claimed;
    const struct assay_clue *clues;
    size_t clue_count;
    struct assay_priors priors;
    /* what was stated, line by line, for a report: name, text with unit, source, date */
    const struct assay_statement *statements;
    size_t statement_count;
    struct assay_exhibit file;
    struct assay_arena *arena;
};

struct assay_statement {
    const char *name, *value, *source, *date;
    long line;
};

/*
 * Reads RUN.yaml (docs/claim.md has the keys). ASSAY_ERROR_INPUT, with file and line, for an
 * unknown key, a missing unit, a number out of range, a plan that does not multiply to the
 * devices. An accelerator that the table lacks is an error that lists near names. A run without
 * `parallel` gets plan_known = false and a plan chosen by assay_plan_choose.
 * assay_run_free frees it; harmless on a zeroed one.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_run_read(const char *path,
                                                     const struct assay_claim_data *data,
                                                     struct assay_run *run,
                                                     struct assay_error *error);
ASSAY_API void assay_run_free(struct assay_run *run);

/*
 * An empty run with the defaults of RUN.yaml: one device, BF16, ZeRO-1, 12 bytes of optimizer
 * state and 4 of gradient a weight, nothing claimed. Owns nothing.
 */
ASSAY_API void assay_run_default(struct assay_run *run);

/* Refuses a plan that cannot be laid out; the message says which product or quotient fails. */
ASSAY_API ASSAY_MUST_USE assay_status assay_plan_check(const struct assay_run *run,
                                                       struct assay_error *error);

/* "tp1 pp16 dp128 ep64 zero1 mbs1 gbs15360 dualpipe selective" into `text`. */
ASSAY_API void assay_plan_print(const struct assay_plan *plan, char *text, size_t size);

/* ---- the forward model: one step ------------------------------------------------------ */

/* Where the time of a step goes. Seconds of the slowest device's critical path. */
enum assay_part {
    ASSAY_PART_LINEAR,      /* dense matrix products, recomputation apart */
    ASSAY_PART_EXPERTS,     /* grouped matrix products of routed experts */
    ASSAY_PART_ATTENTION,   /* attention core */
    ASSAY_PART_ELEMENTWISE, /* memory-bound operators: norms, activations, residuals, loss, router
                             */
    ASSAY_PART_CAST,        /* quantisation and its scales, for FP8 and FP4 */
    ASSAY_PART_RECOMPUTE,   /* forward work done once more */
    ASSAY_PART_LAUNCH,      /* kernel and host overhead */
    ASSAY_PART_TENSOR,      /* tensor-parallel communication not hidden */
    ASSAY_PART_CONTEXT,     /* context-parallel communication not hidden */
    ASSAY_PART_DISPATCH,    /* expert dispatch and combine not hidden */
    ASSAY_PART_PIPELINE,    /* sends between stages not hidden */
    ASSAY_PART_BUBBLE,      /* stages waiting for each other */
    ASSAY_PART_DATA,        /* gradient and weight exchange not hidden */
    ASSAY_PART_OPTIMIZER,
    ASSAY_PART_STRAGGLERS, /* waiting for the slowest of many devices */
    ASSAY_PART_COUNT
};

/* "linear", "experts", ...; never NULL. */
ASSAY_API const char *assay_part_name(enum assay_part part);

/* What one device holds at its peak, in bytes. */
struct assay_memory {
    double weights, gradients, optimizer, activations, overhead;
    double peak;      /* their sum on the fullest stage */
    double available; /* what the device has */
    bool fits;
};

struct assay_step {
    double seconds;
    double part[ASSAY_PART_COUNT]; /* sums to seconds */
    double model_flops;            /* a step, all devices: forward and backward, no recomputation,
                                      causal attention counted half */
    double mfu;                    /* model_flops / (seconds * devices * BF16 peak) */
    double tokens_per_second_per_device;
    struct assay_memory memory;
};

/*
 * Efficiency: what share of a data-sheet rate is achieved, one number a parameter. Resolved
 * from the table for one accelerator generation, software generation and precision; a draw from
 * how well they are known rather than their medians when `random` is not NULL.
 */
struct assay_efficiency {
    double matrix;       /* share of peak of a large matrix product in the run's precision */
    double matrix_plain; /* the same for what stays in BF16 when linear layers do not */
    double power;        /* exponent: matrix share falls as (watts an operation)^power below A100 */
    double matrix_depth; /* inner dimension at which a product reaches half of that share */
    double grouped;      /* factor on `matrix` for grouped expert products */
    double attention;    /* share of peak of a fused attention kernel, forward, head width 128 */
    double attention_unfused;  /* share of peak of batched products of unfused attention */
    double memory;             /* share of memory bandwidth */
    double elementwise;        /* bytes moved by memory-bound operators over the least possible */
    double cast;               /* the same for quantisation */
    double launch_seconds;     /* of the host, a kernel */
    double expert_launches;    /* kernels an expert and product in 16 bits; more below, layer.c */
    double host_seconds;       /* a micro-batch and stage */
    double step_seconds;       /* a step */
    double scale_up;           /* share of scale-up bandwidth */
    double scale_out;          /* share of scale-out bandwidth */
    double latency_seconds;    /* a hop of a collective between nodes */
    double tensor_overlap;     /* share of tensor-parallel communication that can hide */
    double data_overlap;       /* share of data-parallel communication that can hide */
    double pipeline_overlap;   /* share of sends between stages that can hide */
    double expert_overlap;     /* share of dispatch and combine that can hide (outside DualPipe) */
    double imbalance;          /* load of the fullest expert rank over the mean */
    double straggler;          /* lost share of a step a doubling of nodes */
    double memory_overhead;    /* factor on activations for fragments and buffers */
    double memory_fixed_bytes; /* context, libraries and communication buffers a device */
    double residual;           /* sd of log step time that the model does not explain */
    double run_overhead;       /* hours billed over hours of steps: restarts, evaluation, warm-up */
    double run_overhead_sd;    /* sd of its log */
};

ASSAY_API void assay_efficiency_resolve(const struct assay_efficiency_table *table,
                                        const struct assay_run *run, struct assay_random *random,
                                        struct assay_efficiency *efficiency);

/*
 * One training step of `run` under `efficiency`: no allocation, a few microseconds. The run's
 * plan must have passed assay_plan_check. A layout that does not fit in memory is still timed;
 * memory.fits says so.
 */
ASSAY_API void assay_step_predict(const struct assay_run *run,
                                  const struct assay_efficiency *efficiency,
                                  struct assay_step *step);

/*
 * Chooses run->plan for run->machine: the fastest at the medians of `data` that fits, else the
 * one that needs least memory, over tensor 1..domain, pipeline, expert and context degrees that
 * divide, recomputation, schedule and micro-batch (the space is in docs/claim.md). Global batch
 * and sequence stay. ASSAY_ERROR_UNANSWERABLE if no plan divides.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_plan_choose(const struct assay_claim_data *data,
                                                        struct assay_run *run,
                                                        struct assay_error *error);

/* ---- answers -------------------------------------------------------------------------- */

/* A prediction with its uncertainty; intervals at 80%. */
struct assay_prediction {
    struct assay_step step; /* at the medians */
    struct assay_interval step_seconds;
    struct assay_interval tokens_per_second_per_device;
    struct assay_interval mfu;
    struct assay_interval device_hours; /* NaN where the run states no tokens */
    struct assay_interval wall_seconds;
    struct assay_interval memory_bytes; /* peak on the fullest device */
    size_t draws;
};

/* Draws efficiency parameters context->seed-wise and predicts. */
ASSAY_API ASSAY_MUST_USE assay_status assay_claim_predict(const struct assay_claim_data *data,
                                                          const struct assay_run *run,
                                                          const struct assay_context *context,
                                                          struct assay_prediction *prediction,
                                                          struct assay_error *error);

/*
 * Which hardware fits the claim? Reads a RUN.yaml with a `claimed` section and weighs every
 * accelerator of the table, in counts from a quarter to four times the stated one, by how well
 * the forward model on it predicts what was claimed of hours and time. The stated machine keeps
 * the stated plan; any other gets the best plan Assay finds for it (assay_plan_choose). Hypotheses
 * are named "COUNT x ACCELERATOR". A coarse likelihood: hardware is weighed by the claim's own
 * numbers alone. ASSAY_ERROR_UNANSWERABLE if the run claims nothing that time can be weighed by.
 * `finding` must be freed with assay_finding_free.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_claim_infer(const char *path,
                                                        const struct assay_claim_data *data,
                                                        const struct assay_context *context,
                                                        struct assay_finding *finding,
                                                        struct assay_error *error);

/* ---- validation: predicted against measured ------------------------------------------- */

/* What the efficiency parameters may have seen of the rows they are judged on. */
enum assay_cross_validation {
    ASSAY_CROSS_NONE,        /* the shipped table as it is */
    ASSAY_CROSS_SOURCE,      /* fitted anew without the row's source (its document or repository) */
    ASSAY_CROSS_ACCELERATOR, /* fitted anew without the row's accelerator */
};

/* One measured quantity of one row, and what the model says of it. */
struct assay_validation_row {
    const char *id, *source, *group, *accelerator;
    const char *quantity; /* "step_seconds", "device_hours", "peak_memory_bytes", "fits" */
    double measured;
    struct assay_interval predicted;
    double relative_error; /* (predicted median - measured) / measured; of fits: 0 right, 1 wrong */
    bool used;             /* whether it counts in the summary */
    bool layout_known;
    const char *note; /* why it is not used, or what was assumed; "" if nothing */
};

/* Errors over a set of rows; NaN where the set has none. */
struct assay_validation_summary {
    const char *name; /* of the group; NULL for all rows */
    size_t n;         /* rows of time (step_seconds or device_hours) that are used */
    double median_abs_relative_error, p90_abs_relative_error, coverage_80;
    size_t memory_n;
    double memory_median_abs_relative_error;
    size_t fits_n;
    double oom_accuracy; /* share of fits rows called right */
};

struct assay_validation {
    struct assay_arena *arena;
    const struct assay_validation_row *rows;
    size_t row_count;
    struct assay_validation_summary all, known_layout, unknown_layout;
    const struct assay_validation_summary *groups; /* by group of the table */
    size_t group_count;
    const struct assay_validation_summary *accelerators;
    size_t accelerator_count;
};

/*
 * Predicts every row of `runs`, with the shipped efficiency table or cross-validated (`runs` is
 * then what is fitted to as well). A row that cannot be predicted is in the result, with `used`
 * false and the reason. Free with assay_validation_free.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_claim_validate(const struct assay_claim_data *data,
                                                           const struct assay_training_runs *runs,
                                                           enum assay_cross_validation cross,
                                                           const struct assay_context *context,
                                                           struct assay_validation *validation,
                                                           struct assay_error *error);
/*
 * Fits the efficiency parameters to `runs`, from the priors in the table, and writes
 * `folder`/efficiency.csv and `folder`/efficiency_factor.csv. The predictive residual is set from
 * errors on left-out sources, such that 80% intervals hold 80% of them.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_claim_calibrate(const struct assay_claim_data *data,
                                                            const struct assay_training_runs *runs,
                                                            const struct assay_context *context,
                                                            const char *folder,
                                                            struct assay_error *error);
ASSAY_API void assay_validation_free(struct assay_validation *validation);

#ifdef __cplusplus
}
#endif
#endif
