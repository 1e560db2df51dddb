/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measured training runs, one a row, in SI units. Nothing is judged here: what is printed is what
 * is read, and the columns `dropped` and `software` are the judgement of whoever kept the table.
 */
#include "base/csv.h"

#include <assay/claim.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum column_kind { TEXT, NUMBER };

struct column {
    const char *name;
    enum column_kind kind;
    size_t offset; /* in struct assay_training_run, or UNKEPT */
    double scale;
    bool optional;
};

#define UNKEPT SIZE_MAX
#define WORDS(name, member)                                                                        \
    {                                                                                              \
        name, TEXT, offsetof(struct assay_training_run, member), 0, false                          \
    }
#define VALUE(name, member, scale)                                                                 \
    {                                                                                              \
        name, NUMBER, offsetof(struct assay_training_run, member), scale, false                    \
    }

static const struct column columns[] = {
    WORDS("id", id),
    WORDS("group", group),
    WORDS("kind", kind),
    WORDS("model", model),
    WORDS("family", family),
    WORDS("attn", attention),
    VALUE("layers", layers, 1),
    VALUE("hidden", hidden, 1),
    VALUE("heads", heads, 1),
    VALUE("kv_heads", kv_heads, 1),
    VALUE("ffn", ffn, 1),
    VALUE("vocab", vocabulary, 1),
    VALUE("seq", sequence, 1),
    VALUE("experts", experts, 1),
    VALUE("topk", experts_active, 1),
    VALUE("moe_ffn", expert_ffn, 1),
    VALUE("params_B", parameters, 1e9),
    VALUE("active_B", active_parameters, 1e9),
    VALUE("tokens_B", tokens, 1e9),
    WORDS("precision", precision),
    WORDS("accel", accelerator),
    VALUE("n_accel", devices, 1),
    VALUE("tp", tensor, 1),
    VALUE("pp", pipeline, 1),
    VALUE("vp", virtual_stages, 1),
    VALUE("dp", data_parallel, 1),
    VALUE("ep", expert_parallel, 1),
    VALUE("cp", context, 1),
    WORDS("zero", zero),
    VALUE("mbs", micro_batch, 1),
    VALUE("gbs", global_batch, 1),
    WORDS("recompute", recompute),
    WORDS("seq_par", sequence_parallel),
    WORDS("overlap_sched", overlap_schedule),
    VALUE("tflops_per_accel", flops_per_device, 1e12),
    VALUE("mfu_pct", mfu, 0.01),
    VALUE("hfu_pct", hfu, 0.01),
    VALUE("step_s", step_seconds, 1),
    VALUE("tok_s_accel", tokens_per_second_per_device, 1),
    VALUE("peak_mem_GB", peak_memory_bytes, 1e9),
    VALUE("gpu_hours", device_hours, 1),
    VALUE("wall_hours", wall_seconds, 3600),
    VALUE("node_power_W", node_watts, 1),
    VALUE("d_tok_s_accel", derived_tokens_per_second_per_device, 1),
    {"d_6N_tflops", NUMBER, UNKEPT, 1, false},
    WORDS("arch_source", architecture_source),
    WORDS("source", source),
    WORDS("confidence", confidence),
    WORDS("tier", tier),
    WORDS("notes", notes),
    {"head_dim", NUMBER, offsetof(struct assay_training_run, head_dim), 1, true},
    {"network_gbit", NUMBER, offsetof(struct assay_training_run, network_bandwidth), 1e9 / 8, true},
    {"software", TEXT, offsetof(struct assay_training_run, software), 0, true},
    {"dropped", TEXT, offsetof(struct assay_training_run, dropped), 0, true},
};
#define COLUMN_COUNT (sizeof columns / sizeof columns[0])

/* ---- header ------------------------------------------------------------------------------ */

static assay_status find_columns(const struct csv *csv, int at[COLUMN_COUNT],
                                 struct assay_error *error)
{
    for (size_t c = 0; c < COLUMN_COUNT; c++) {
        at[c] = csv_column(csv, columns[c].name);
        if (at[c] < 0 && !columns[c].optional)
            return assay_error_at(error, ASSAY_ERROR_INPUT, csv->path, 0,
                                  "no column is named \"%s\"", columns[c].name);
    }
    for (size_t i = 0; i < csv->columns; i++) {
        size_t c = 0;
        while (c < COLUMN_COUNT && strcmp(columns[c].name, csv->names[i]) != 0)
            c++;
        if (c == COLUMN_COUNT)
            return assay_error_at(error, ASSAY_ERROR_INPUT, csv->path, 0,
                                  "nobody knows the column \"%.60s\"", csv->names[i]);
    }
    return ASSAY_OK;
}

/* ---- rows -------------------------------------------------------------------------------- */

/* A number of at least 0; NaN for an empty cell and for several numbers in one. */
static bool read_number(const char *text, double *number)
{
    char part[64];
    int parts = 0;
    *number = nan("");
    if (!*text)
        return true;
    for (;; parts++) {
        size_t n = strcspn(text, "/");
        if (n >= sizeof part)
            return false;
        memcpy(part, text, n);
        part[n] = '\0';
        if (!csv_number(part, number) || *number < 0)
            return false;
        if (!text[n])
            break;
        text += n + 1;
    }
    if (parts > 0)
        *number = nan("");
    return true;
}

/* The row stays, marked by the first of its cells that is no number: whoever uses it must say so.
 */
static assay_status put_by(const struct csv_row *row, const char *column, const char *text,
                           struct assay_arena *arena, struct assay_training_run *run,
                           struct assay_error *error)
{
    if (!run->unreadable)
        run->unreadable =
            assay_arena_print(arena,
                              "line %ld: found \"%.40s\" for %s, expected a number of at least 0, "
                              "or nothing where it is not known",
                              row->line, text, column);
    return run->unreadable ? ASSAY_OK
                           : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

static assay_status read_row(const struct csv *csv, const struct csv_row *row,
                             const int at[COLUMN_COUNT], struct assay_arena *arena,
                             struct assay_training_run *run, struct assay_error *error)
{
    run->line = row->line;
    run->unreadable = NULL;
    for (size_t c = 0; c < COLUMN_COUNT; c++) {
        const char *text = at[c] < 0 ? "" : row->cells[at[c]];
        char *member = columns[c].offset == UNKEPT ? NULL : (char *)run + columns[c].offset;
        if (columns[c].kind == TEXT) {
            memcpy(member, &text, sizeof text);
            continue;
        }
        double number;
        if (!read_number(text, &number)) {
            ASSAY_TRY(put_by(row, columns[c].name, text, arena, run, error));
            number = nan("");
        }
        number *= columns[c].scale;
        if (member)
            memcpy(member, &number, sizeof number);
    }
    if (!run->id[0])
        return assay_error_at(error, ASSAY_ERROR_INPUT, csv->path, row->line, "a row without id");
    return ASSAY_OK;
}

static int compare_ids(const void *a, const void *b)
{
    const struct assay_training_run *const *x = a, *const *y = b;
    int order = strcmp((*x)->id, (*y)->id);
    return order ? order : ((*x)->line > (*y)->line) - ((*x)->line < (*y)->line);
}

static assay_status refuse_repeats(const struct csv *csv, const struct assay_training_run *rows,
                                   struct assay_arena *arena, struct assay_error *error)
{
    const struct assay_training_run **sorted = assay_arena_alloc(arena, csv->count, sizeof *sorted);
    if (!sorted)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (size_t i = 0; i < csv->count; i++)
        sorted[i] = &rows[i];
    qsort(sorted, csv->count, sizeof *sorted, compare_ids);
    for (size_t i = 1; i < csv->count; i++)
        if (strcmp(sorted[i - 1]->id, sorted[i]->id) == 0)
            return assay_error_at(error, ASSAY_ERROR_INPUT, csv->path, sorted[i]->line,
                                  "the id \"%.40s\" stands twice", sorted[i]->id);
    return ASSAY_OK;
}

static assay_status read_runs(const char *path, struct assay_training_runs *runs,
                              struct assay_error *error)
{
    struct csv csv;
    int at[COLUMN_COUNT];
    ASSAY_TRY(csv_read(path, runs->arena, &csv, error));
    ASSAY_TRY(find_columns(&csv, at, error));
    struct assay_training_run *rows = assay_arena_alloc(runs->arena, csv.count, sizeof *rows);
    runs->file.path = assay_arena_copy(runs->arena, path);
    if (!rows || !runs->file.path)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (size_t i = 0; i < csv.count; i++) {
        ASSAY_TRY(read_row(&csv, &csv.rows[i], at, runs->arena, &rows[i], error));
        runs->unreadable += rows[i].unreadable != NULL;
    }
    ASSAY_TRY(refuse_repeats(&csv, rows, runs->arena, error));
    runs->rows = rows;
    runs->count = csv.count;
    return assay_sha256_file(path, runs->file.sha256, error);
}

assay_status assay_training_runs_read(const char *path, struct assay_training_runs *runs,
                                      struct assay_error *error)
{
    memset(runs, 0, sizeof *runs);
    runs->arena = assay_arena_new();
    if (!runs->arena)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    assay_status status = read_runs(path, runs, error);
    if (status != ASSAY_OK)
        assay_training_runs_free(runs);
    return status;
}

void assay_training_runs_free(struct assay_training_runs *runs)
{
    assay_arena_free(runs->arena);
    memset(runs, 0, sizeof *runs);
}
