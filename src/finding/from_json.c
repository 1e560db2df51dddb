/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A finding from JSON. A reader carries where it is, so that a refusal names the key; after the
 * first refusal every further step does nothing, and the error stands.
 */
#include "finding/finding_json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    struct assay_arena *arena;
    const char *path;
    char place[96]; /* "weights[3]." or "" */
    assay_status status;
    struct assay_error *error;
};

static void refuse(struct reader *r, const char *key, const char *expected)
{
    if (r->status == ASSAY_OK)
        r->status = assay_error_at(r->error, ASSAY_ERROR_INPUT, r->path, 0, "%s%s: expected %s",
                                   r->place, key, expected);
}

static void short_of_memory(struct reader *r)
{
    if (r->status == ASSAY_OK)
        r->status = assay_error_at(r->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

/* Refuses an object with another number of keys than those the caller will ask for. */
static bool open_object(struct reader *r, const json_t *object, size_t keys, const char *expected)
{
    if (!json_is_object(object) || json_object_size(object) != keys)
        refuse(r, "", expected);
    return r->status == ASSAY_OK;
}

static const char *text(struct reader *r, const json_t *object, const char *key, bool may_be_null)
{
    const json_t *value = json_object_get(object, key);
    if (may_be_null && json_is_null(value))
        return NULL;
    if (!json_is_string(value)) {
        refuse(r, key, may_be_null ? "a text or null" : "a text");
        return NULL;
    }
    const char *copy = assay_arena_copy(r->arena, json_string_value(value));
    if (!copy)
        short_of_memory(r);
    return copy;
}

static double number(struct reader *r, const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (json_is_null(value))
        return NAN;
    if (!json_is_number(value))
        refuse(r, key, "a number or null");
    return json_number_value(value);
}

static struct assay_interval interval(struct reader *r, const json_t *object, const char *key)
{
    struct assay_interval result = {NAN, NAN, NAN, 0.8};
    const json_t *value = json_object_get(object, key);
    if (!json_is_object(value)) {
        refuse(r, key, "an interval {median, low, high}");
        return result;
    }
    result.median = number(r, value, "median");
    result.low = number(r, value, "low");
    result.high = number(r, value, "high");
    if (json_object_get(value, "level"))
        result.level = number(r, value, "level");
    return result;
}

/* The list object[key] and room for its entries of `size` bytes; its length in *count. */
static void *open_list(struct reader *r, const json_t *object, const char *key, size_t size,
                       const json_t **list, size_t *count)
{
    *count = 0;
    *list = json_object_get(object, key);
    if (!json_is_array(*list)) {
        refuse(r, key, "a list");
        return NULL;
    }
    void *entries = assay_arena_alloc(r->arena, json_array_size(*list), size);
    if (!entries)
        short_of_memory(r);
    else
        *count = json_array_size(*list);
    return entries;
}

static const char *const *texts(struct reader *r, const json_t *object, const char *key,
                                size_t *count)
{
    const json_t *list;
    const char **result = open_list(r, object, key, sizeof *result, &list, count);
    for (size_t i = 0; i < *count && r->status == ASSAY_OK; i++) {
        const json_t *value = json_array_get(list, i);
        if (!json_is_string(value))
            refuse(r, key, "a list of texts");
        else if (!(result[i] = assay_arena_copy(r->arena, json_string_value(value))))
            short_of_memory(r);
    }
    return result;
}

/* Reads each entry of object[key] by `read(r, entry, &entries[i])`. */
#define LIST(field, counter, type, read)                                                           \
    do {                                                                                           \
        const json_t *list;                                                                        \
        struct type *entries =                                                                     \
            open_list(&r, object, #field, sizeof *entries, &list, &finding->counter);              \
        for (size_t i = 0; i < finding->counter && r.status == ASSAY_OK; i++) {                    \
            snprintf(r.place, sizeof r.place, #field "[%zu].", i);                                 \
            read(&r, json_array_get(list, i), &entries[i]);                                        \
        }                                                                                          \
        r.place[0] = 0;                                                                            \
        finding->field = entries;                                                                  \
    } while (0)

static void read_weight(struct reader *r, const json_t *o, struct assay_weight *weight)
{
    if (!open_object(r, o, 4, "{hypothesis, weighed, log10_likelihood, note}"))
        return;
    weight->hypothesis = text(r, o, "hypothesis", false);
    if (!json_is_boolean(json_object_get(o, "weighed")))
        refuse(r, "weighed", "true or false");
    weight->weighed = json_is_true(json_object_get(o, "weighed"));
    if (weight->weighed)
        weight->log10_likelihood = interval(r, o, "log10_likelihood");
    else
        weight->log10_likelihood = (struct assay_interval){NAN, NAN, NAN, 0.8};
    weight->note = text(r, o, "note", true);
}

static void read_tie(struct reader *r, const json_t *o, struct assay_tie *tie)
{
    if (!open_object(r, o, 3, "{a, b, log10_likelihood_ratio}"))
        return;
    tie->a = text(r, o, "a", false);
    tie->b = text(r, o, "b", false);
    tie->log10_likelihood_ratio = number(r, o, "log10_likelihood_ratio");
}

static void read_quantity(struct reader *r, const json_t *o, struct assay_quantity *quantity)
{
    if (!open_object(r, o, 3, "{name, unit, value}"))
        return;
    quantity->name = text(r, o, "name", false);
    quantity->unit = text(r, o, "unit", false);
    quantity->value = interval(r, o, "value");
}

static void read_bar(struct reader *r, const json_t *o, struct assay_bar *bar)
{
    if (!open_object(r, o, 5, "bars of {label, group, value, low, high}"))
        return;
    bar->label = text(r, o, "label", false);
    bar->group = text(r, o, "group", true);
    bar->value = number(r, o, "value");
    bar->low = number(r, o, "low");
    bar->high = number(r, o, "high");
}

/* Before room is made: what labels promise, values must keep. */
static bool is_rectangle(const json_t *values, size_t rows, size_t columns)
{
    if (!json_is_array(values) || json_array_size(values) != rows)
        return false;
    for (size_t i = 0; i < rows; i++)
        if (!json_is_array(json_array_get(values, i)) ||
            json_array_size(json_array_get(values, i)) != columns)
            return false;
    return true;
}

static double read_cell(struct reader *r, const json_t *cell)
{
    if (json_is_null(cell))
        return NAN;
    if (!json_is_number(cell))
        refuse(r, "grid.values", "numbers or null");
    else if (json_number_value(cell) < 0)
        refuse(r, "grid.values", "numbers that are not below 0");
    return json_number_value(cell);
}

static void read_values(struct reader *r, const json_t *list, struct assay_grid *grid)
{
    size_t cells;
    if (!is_rectangle(list, grid->row_count, grid->column_count) ||
        !assay_size_multiply(grid->row_count, grid->column_count, &cells)) {
        refuse(r, "grid.values", "a list for each row with a number for each column");
        return;
    }
    double *values = assay_arena_alloc(r->arena, cells, sizeof *values);
    if (!values)
        short_of_memory(r);
    for (size_t i = 0; i < grid->row_count && r->status == ASSAY_OK; i++)
        for (size_t k = 0; k < grid->column_count && r->status == ASSAY_OK; k++)
            values[i * grid->column_count + k] =
                read_cell(r, json_array_get(json_array_get(list, i), k));
    grid->values = values;
}

static void read_grid(struct reader *r, const json_t *o, struct assay_figure *figure)
{
    if (!open_object(r, o, 5, "a grid of {row_axis, column_axis, rows, columns, values}"))
        return;
    struct assay_grid *grid = assay_arena_alloc(r->arena, 1, sizeof *grid);
    if (!grid) {
        short_of_memory(r);
        return;
    }
    grid->row_axis = text(r, o, "row_axis", false);
    grid->column_axis = text(r, o, "column_axis", false);
    grid->rows = texts(r, o, "rows", &grid->row_count);
    grid->columns = texts(r, o, "columns", &grid->column_count);
    if (r->status == ASSAY_OK)
        read_values(r, json_object_get(o, "values"), grid);
    figure->grid = grid;
}

static void read_point(struct reader *r, const json_t *o, bool logarithmic,
                       struct assay_point *point)
{
    if (!open_object(r, o, 4, "curves with points of {x, y, low, high}"))
        return;
    point->x = number(r, o, "x");
    point->y = number(r, o, "y");
    point->low = number(r, o, "low");
    point->high = number(r, o, "high");
    if (!isfinite(point->x) || (logarithmic && point->x <= 0))
        refuse(r, "curves.series.points.x", logarithmic ? "a number above 0" : "a number");
    if (point->low > point->high)
        refuse(r, "curves.series.points.low", "a number up to high");
}

static void read_series(struct reader *r, const json_t *o, bool logarithmic,
                        struct assay_series *series)
{
    const json_t *list;
    if (!open_object(r, o, 3, "curves with series of {name, reference, points}"))
        return;
    series->name = text(r, o, "name", false);
    if (!json_is_boolean(json_object_get(o, "reference")))
        refuse(r, "curves.series.reference", "true or false");
    series->reference = json_is_true(json_object_get(o, "reference"));
    struct assay_point *points =
        open_list(r, o, "points", sizeof *points, &list, &series->point_count);
    for (size_t i = 0; i < series->point_count && r->status == ASSAY_OK; i++)
        read_point(r, json_array_get(list, i), logarithmic, &points[i]);
    series->points = points;
}

static void read_curves(struct reader *r, const json_t *o, struct assay_figure *figure)
{
    const json_t *list;
    if (!open_object(r, o, 5, "curves of {x_axis, x_scale, y_axis, level, series}"))
        return;
    struct assay_curves *curves = assay_arena_alloc(r->arena, 1, sizeof *curves);
    if (!curves) {
        short_of_memory(r);
        return;
    }
    curves->x_axis = text(r, o, "x_axis", false);
    curves->y_axis = text(r, o, "y_axis", false);
    curves->level = number(r, o, "level");
    if (curves->level <= 0 || curves->level >= 1)
        refuse(r, "curves.level", "null or a number between 0 and 1");
    const char *scale = text(r, o, "x_scale", false);
    curves->x_logarithmic = scale && strcmp(scale, "log") == 0;
    if (scale && !curves->x_logarithmic && strcmp(scale, "linear") != 0)
        refuse(r, "curves.x_scale", "linear or log");
    struct assay_series *series =
        open_list(r, o, "series", sizeof *series, &list, &curves->series_count);
    for (size_t i = 0; i < curves->series_count && r->status == ASSAY_OK; i++)
        read_series(r, json_array_get(list, i), curves->x_logarithmic, &series[i]);
    curves->series = series;
    figure->curves = curves;
}

static void read_figure(struct reader *r, const json_t *o, struct assay_figure *figure)
{
    if (!open_object(r, o, 4, "{id, title, unit, and bars, curves, grid or newick}"))
        return;
    figure->id = text(r, o, "id", false);
    figure->title = text(r, o, "title", false);
    figure->unit = text(r, o, "unit", false);
    if (json_object_get(o, "grid")) {
        read_grid(r, json_object_get(o, "grid"), figure);
        return;
    }
    if (json_object_get(o, "newick")) {
        figure->newick = text(r, o, "newick", false);
        return;
    }
    if (json_object_get(o, "curves")) {
        read_curves(r, json_object_get(o, "curves"), figure);
        return;
    }
    const json_t *list;
    struct assay_bar *bars = open_list(r, o, "bars", sizeof *bars, &list, &figure->bar_count);
    for (size_t i = 0; i < figure->bar_count && r->status == ASSAY_OK; i++)
        read_bar(r, json_array_get(list, i), &bars[i]);
    figure->bars = bars;
}

/* One number, or null, for each of `weights`; of one hypothesis they need not sum to 1 here. */
static void read_outcome(struct reader *r, const json_t *o, size_t weights,
                         struct assay_outcome *outcome)
{
    const json_t *list;
    size_t count;
    if (!open_object(r, o, 2, "outcomes of {text, probabilities}"))
        return;
    outcome->text = text(r, o, "text", false);
    double *values = open_list(r, o, "probabilities", sizeof *values, &list, &count);
    if (r->status == ASSAY_OK && count != weights)
        refuse(r, "probabilities", "a number or null for each weight");
    for (size_t i = 0; i < count && r->status == ASSAY_OK; i++) {
        const json_t *value = json_array_get(list, i);
        values[i] = json_is_null(value) ? (double)NAN : json_number_value(value);
        if (!json_is_null(value) &&
            !(json_is_number(value) && values[i] >= 0 && values[i] <= 1 + 1e-9))
            refuse(r, "probabilities", "numbers from 0 to 1, or null");
    }
    outcome->probabilities = values;
}

static void read_obtainable(struct reader *r, const json_t *o, size_t weights,
                            struct assay_obtainable *obtainable)
{
    const json_t *list;
    if (!open_object(r, o, 6, "{id, text, basis, cost, cost_unit, outcomes}"))
        return;
    obtainable->id = text(r, o, "id", false);
    obtainable->text = text(r, o, "text", false);
    obtainable->basis = text(r, o, "basis", true);
    obtainable->cost = number(r, o, "cost");
    obtainable->cost_unit = text(r, o, "cost_unit", true);
    struct assay_outcome *outcomes =
        open_list(r, o, "outcomes", sizeof *outcomes, &list, &obtainable->outcome_count);
    for (size_t i = 0; i < obtainable->outcome_count && r->status == ASSAY_OK; i++)
        read_outcome(r, json_array_get(list, i), weights, &outcomes[i]);
    obtainable->outcomes = outcomes;
}

static void read_obtainables(struct reader *r, const json_t *object, struct assay_finding *finding)
{
    const json_t *list;
    struct assay_obtainable *entries =
        open_list(r, object, "obtainables", sizeof *entries, &list, &finding->obtainable_count);
    for (size_t i = 0; i < finding->obtainable_count && r->status == ASSAY_OK; i++) {
        snprintf(r->place, sizeof r->place, "obtainables[%zu].", i);
        read_obtainable(r, json_array_get(list, i), finding->weight_count, &entries[i]);
    }
    r->place[0] = 0;
    finding->obtainables = entries;
}

static void read_exhibit(struct reader *r, const json_t *o, struct assay_exhibit *exhibit)
{
    if (!open_object(r, o, 2, "{path, sha256}"))
        return;
    exhibit->path = text(r, o, "path", false);
    const char *hex = text(r, o, "sha256", false);
    if (hex && (strlen(hex) != 64 || strspn(hex, "0123456789abcdef") != 64))
        refuse(r, "sha256", "64 hexadecimal digits");
    else if (hex)
        memcpy(exhibit->sha256, hex, 65);
}

static uint64_t read_seed(struct reader *r, const json_t *object)
{
    const char *digits = json_string_value(json_object_get(object, "seed"));
    if (!digits || !*digits || strlen(digits) > 20 ||
        strspn(digits, "0123456789") != strlen(digits)) {
        refuse(r, "seed", "a text of decimal digits");
        return 0;
    }
    return strtoull(digits, NULL, 10);
}

assay_status finding_from_json(const json_t *object, const char *path,
                               struct assay_finding *finding, struct assay_error *error)
{
    memset(finding, 0, sizeof *finding);
    struct reader r = {assay_arena_new(), path, "", ASSAY_OK, error};
    finding->arena = r.arena;
    if (!r.arena)
        short_of_memory(&r);
    else if (open_object(&r, object, 14, "a finding of 14 keys")) {
        finding->id = text(&r, object, "id", false);
        finding->question = text(&r, object, "question", false);
        finding->method = text(&r, object, "method", false);
        finding->method_version = text(&r, object, "method_version", false);
        finding->seed = read_seed(&r, object);
        finding->answers = texts(&r, object, "answers", &finding->answer_count);
        finding->cannot_tell = texts(&r, object, "cannot_tell", &finding->cannot_tell_count);
        LIST(weights, weight_count, assay_weight, read_weight);
        LIST(ties, tie_count, assay_tie, read_tie);
        LIST(quantities, quantity_count, assay_quantity, read_quantity);
        LIST(figures, figure_count, assay_figure, read_figure);
        read_obtainables(&r, object, finding);
        LIST(exhibits, exhibit_count, assay_exhibit, read_exhibit);
        finding->limits = texts(&r, object, "limits", &finding->limit_count);
    }
    if (r.status != ASSAY_OK)
        assay_finding_free(finding);
    return r.status;
}
