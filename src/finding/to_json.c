/* SPDX-License-Identifier: Apache-2.0 */
/* A finding as JSON: one function a part, keys in the order of the struct. */
#include "finding/finding_json.h"

#include "base/json.h"

#include <math.h>
#include <stdio.h>

static json_t *weight_to_json(const struct assay_weight *weight)
{
    json_t *object = json_object();
    json_set_text(object, "hypothesis", weight->hypothesis);
    json_object_set_new(object, "weighed", json_boolean(weight->weighed));
    if (weight->weighed)
        json_set_interval(object, "log10_likelihood", weight->log10_likelihood);
    else
        json_object_set_new(object, "log10_likelihood", json_null());
    json_set_text(object, "note", weight->note);
    return object;
}

static json_t *tie_to_json(const struct assay_tie *tie)
{
    json_t *object = json_object();
    json_set_text(object, "a", tie->a);
    json_set_text(object, "b", tie->b);
    json_set_number(object, "log10_likelihood_ratio", tie->log10_likelihood_ratio);
    return object;
}

static json_t *quantity_to_json(const struct assay_quantity *quantity)
{
    json_t *object = json_object();
    json_set_text(object, "name", quantity->name);
    json_set_text(object, "unit", quantity->unit);
    json_set_interval(object, "value", quantity->value);
    return object;
}

static json_t *bar_to_json(const struct assay_bar *bar)
{
    json_t *object = json_object();
    json_set_text(object, "label", bar->label);
    json_set_text(object, "group", bar->group);
    json_set_number(object, "value", bar->value);
    json_set_number(object, "low", bar->low);
    json_set_number(object, "high", bar->high);
    return object;
}

static json_t *grid_to_json(const struct assay_grid *grid)
{
    json_t *object = json_object(), *values = json_array();
    json_set_text(object, "row_axis", grid->row_axis);
    json_set_text(object, "column_axis", grid->column_axis);
    json_object_set_new(object, "rows", json_texts(grid->rows, grid->row_count));
    json_object_set_new(object, "columns", json_texts(grid->columns, grid->column_count));
    for (size_t i = 0; i < grid->row_count; i++) {
        json_t *row = json_array();
        for (size_t k = 0; k < grid->column_count; k++) {
            json_array_append_new(row,
                                  json_number_or_null(grid->values[i * grid->column_count + k]));
        }
        json_array_append_new(values, row);
    }
    json_object_set_new(object, "values", values);
    return object;
}

static json_t *point_to_json(const struct assay_point *point)
{
    json_t *object = json_object();
    json_set_number(object, "x", point->x);
    json_set_number(object, "y", point->y);
    json_set_number(object, "low", point->low);
    json_set_number(object, "high", point->high);
    return object;
}

static json_t *curves_to_json(const struct assay_curves *curves)
{
    json_t *object = json_object(), *list = json_array();
    json_set_text(object, "x_axis", curves->x_axis);
    json_set_text(object, "x_scale", curves->x_logarithmic ? "log" : "linear");
    json_set_text(object, "y_axis", curves->y_axis);
    json_set_number(object, "level", curves->level);
    for (size_t i = 0; i < curves->series_count; i++) {
        const struct assay_series *series = &curves->series[i];
        json_t *one = json_object(), *points = json_array();
        json_set_text(one, "name", series->name);
        json_object_set_new(one, "reference", json_boolean(series->reference));
        for (size_t k = 0; k < series->point_count; k++)
            json_array_append_new(points, point_to_json(&series->points[k]));
        json_object_set_new(one, "points", points);
        json_array_append_new(list, one);
    }
    json_object_set_new(object, "series", list);
    return object;
}

/* With "bars", "curves", "grid" or "newick", whichever it is. */
static json_t *figure_to_json(const struct assay_figure *figure)
{
    json_t *object = json_object();
    json_set_text(object, "id", figure->id);
    json_set_text(object, "title", figure->title);
    json_set_text(object, "unit", figure->unit);
    if (figure->grid) {
        json_object_set_new(object, "grid", grid_to_json(figure->grid));
        return object;
    }
    if (figure->newick) {
        json_set_text(object, "newick", figure->newick);
        return object;
    }
    if (figure->curves) {
        json_object_set_new(object, "curves", curves_to_json(figure->curves));
        return object;
    }
    json_t *bars = json_array();
    for (size_t i = 0; i < figure->bar_count; i++)
        json_array_append_new(bars, bar_to_json(&figure->bars[i]));
    json_object_set_new(object, "bars", bars);
    return object;
}

static json_t *exhibit_to_json(const struct assay_exhibit *exhibit)
{
    json_t *object = json_object();
    json_set_text(object, "path", exhibit->path);
    json_set_text(object, "sha256", exhibit->sha256);
    return object;
}

static json_t *outcome_to_json(const struct assay_outcome *outcome, size_t weights)
{
    json_t *object = json_object(), *list = json_array();
    json_set_text(object, "text", outcome->text);
    for (size_t i = 0; i < weights; i++) {
        double p = outcome->probabilities[i];
        json_array_append_new(list, isfinite(p) ? json_real(p) : json_null());
    }
    json_object_set_new(object, "probabilities", list);
    return object;
}

static json_t *obtainable_to_json(const struct assay_obtainable *obtainable, size_t weights)
{
    json_t *object = json_object(), *outcomes = json_array();
    json_set_text(object, "id", obtainable->id);
    json_set_text(object, "text", obtainable->text);
    json_set_text(object, "basis", obtainable->basis);
    json_set_number(object, "cost", obtainable->cost);
    json_set_text(object, "cost_unit", obtainable->cost_unit);
    for (size_t i = 0; i < obtainable->outcome_count; i++)
        json_array_append_new(outcomes, outcome_to_json(&obtainable->outcomes[i], weights));
    json_object_set_new(object, "outcomes", outcomes);
    return object;
}

/* object[field] = the list of that name, converted one by one. */
#define LIST(field, count, convert)                                                                \
    do {                                                                                           \
        json_t *list = json_array();                                                               \
        for (size_t i = 0; i < finding->count; i++)                                                \
            json_array_append_new(list, convert(&finding->field[i]));                              \
        json_object_set_new(object, #field, list);                                                 \
    } while (0)

json_t *finding_to_json(const struct assay_finding *finding)
{
    json_t *object = json_object();
    if (!object)
        return NULL;
    json_set_text(object, "id", finding->id);
    json_set_text(object, "question", finding->question);
    json_set_text(object, "method", finding->method);
    json_set_text(object, "method_version", finding->method_version);
    /* As text: a JSON number need not keep 64 bits. */
    char seed[24];
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)finding->seed);
    json_set_text(object, "seed", seed);
    json_object_set_new(object, "answers", json_texts(finding->answers, finding->answer_count));
    json_object_set_new(object, "cannot_tell",
                        json_texts(finding->cannot_tell, finding->cannot_tell_count));
    LIST(weights, weight_count, weight_to_json);
    LIST(ties, tie_count, tie_to_json);
    LIST(quantities, quantity_count, quantity_to_json);
    LIST(figures, figure_count, figure_to_json);
    json_t *obtainables = json_array();
    for (size_t i = 0; i < finding->obtainable_count; i++)
        json_array_append_new(obtainables,
                              obtainable_to_json(&finding->obtainables[i], finding->weight_count));
    json_object_set_new(object, "obtainables", obtainables);
    LIST(exhibits, exhibit_count, exhibit_to_json);
    json_object_set_new(object, "limits", json_texts(finding->limits, finding->limit_count));
    return object;
}
