/* SPDX-License-Identifier: Apache-2.0 */
#include "claim/efficiency.h"

#include <math.h>
#include <string.h>

#define FIELD(name, least, most)                                                                   \
    {                                                                                              \
#name, offsetof(struct assay_efficiency, name), least, most                                \
    }

const struct efficiency_field efficiency_fields[] = {
    FIELD(matrix, 0.01, 1),
    FIELD(matrix_plain, 0.01, 1),
    FIELD(power, 0.001, 1),
    FIELD(matrix_depth, 0, 1e5),
    FIELD(grouped, 0.05, 1.5),
    FIELD(attention, 0.01, 1),
    FIELD(attention_unfused, 0.005, 1),
    FIELD(memory, 0.05, 1),
    FIELD(elementwise, 0.2, 20),
    FIELD(cast, 0.05, 20),
    FIELD(launch_seconds, 0, 1e-3),
    FIELD(expert_launches, 0.05, 50),
    FIELD(host_seconds, 0, 1),
    FIELD(step_seconds, 0, 10),
    FIELD(scale_up, 0.01, 1),
    FIELD(scale_out, 0.01, 1),
    FIELD(latency_seconds, 0, 1e-2),
    FIELD(tensor_overlap, 0, 1),
    FIELD(data_overlap, 0, 1),
    FIELD(pipeline_overlap, 0, 1),
    FIELD(expert_overlap, 0, 1),
    FIELD(imbalance, 1, 8),
    FIELD(straggler, 0, 0.5),
    FIELD(memory_overhead, 0.5, 4),
    FIELD(memory_fixed_bytes, 0, 1e11),
    FIELD(residual, 0.001, 2),
    FIELD(run_overhead, 1, 4),
    FIELD(run_overhead_sd, 0.001, 2),
};
const size_t efficiency_field_count = sizeof efficiency_fields / sizeof efficiency_fields[0];

/* ---- scopes ---------------------------------------------------------------------------- */

static const char *precision_name(enum assay_precision precision)
{
    static const char *const names[] = {"bf16", "fp8", "fp4", "tf32", "fp32", "mxfp8"};
    return names[precision];
}

/* Whether `text` (of `length`) is `kind` followed by `value`. */
static bool names(const char *text, size_t length, const char *kind, const char *value)
{
    size_t k = strlen(kind);
    return length == k + strlen(value) && strncmp(text, kind, k) == 0 &&
           strncmp(text + k, value, length - k) == 0;
}

bool efficiency_applies(const char *scope, const struct assay_run *run)
{
    const struct assay_accelerator *a = &run->machine.accelerator;
    while (*scope) {
        size_t length = strcspn(scope, "+");
        if (!names(scope, length, "generation:", a->generation ? a->generation : "") &&
            !names(scope, length, "vendor:", a->vendor ? a->vendor : "") &&
            !names(scope, length, "accelerator:", a->name ? a->name : "") &&
            !names(scope, length, "software:", run->software) &&
            !names(scope, length, "precision:", precision_name(run->precision)) &&
            !(names(scope, length, "layout:", "chosen") && !run->plan_known))
            return false;
        scope += length;
        scope += *scope == '+';
    }
    return true;
}

/* ---- resolving -------------------------------------------------------------------------- */

void efficiency_resolve_shifted(const struct assay_efficiency_table *table,
                                const struct assay_run *run, const double *shift,
                                struct assay_efficiency *efficiency)
{
    double logs[sizeof efficiency_fields / sizeof efficiency_fields[0]] = {0};
    for (size_t i = 0; i < table->count; i++) {
        const struct efficiency_row *row = &table->rows[i];
        if (efficiency_applies(row->scope, run))
            logs[row->field] += row->log_value + (shift ? shift[i] : 0);
    }
    for (size_t i = 0; i < efficiency_field_count; i++) {
        const struct efficiency_field *field = &efficiency_fields[i];
        double value = fmin(fmax(exp(logs[i]), field->least), field->most);
        memcpy((char *)efficiency + field->offset, &value, sizeof value);
    }
}

void assay_efficiency_resolve(const struct assay_efficiency_table *table,
                              const struct assay_run *run, struct assay_random *random,
                              struct assay_efficiency *efficiency)
{
    double shift[EFFICIENCY_MOST_ROWS], z[EFFICIENCY_MOST_ROWS];
    for (size_t i = 0; random && i < table->count; i++) {
        z[i] = assay_random_normal(random);
        shift[i] = table->rows[i].log_sd * z[i];
    }
    for (size_t i = 0; random && table->factor && i < table->count; i++) {
        const double *row = table->factor + i * table->count;
        shift[i] = 0;
        for (size_t k = 0; k <= i; k++)
            shift[i] += row[k] * z[k];
    }
    efficiency_resolve_shifted(table, run, random ? shift : NULL, efficiency);
}
