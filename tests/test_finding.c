/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"
#include "finding/finding_json.h"
#include "finding_sample.h"

#include <stdlib.h>

static void freeing_a_zeroed_finding_does_nothing(void **state)
{
    (void)state;
    struct assay_finding finding = {0};
    assay_finding_free(&finding);
    assay_finding_free(NULL);
    assert_null(finding.arena);
}

static void a_finding_survives_the_way_to_json_and_back(void **state)
{
    (void)state;
    struct assay_finding sample = sample_finding(), back;
    struct assay_error error;
    json_t *first = finding_to_json(&sample);
    assert_int_equal(finding_from_json(first, "sample", &back, &error), ASSAY_OK);

    assert_string_equal(back.id, "hours");
    assert_true(back.seed == UINT64_MAX);
    assert_int_equal(back.weight_count, 5);
    assert_string_equal(back.weights[2].hypothesis, "16 x Alpha");
    assert_true(back.weights[2].log10_likelihood.low == -2.9);
    assert_false(back.weights[4].weighed);
    assert_string_equal(back.weights[4].note, "does not fit");
    assert_null(back.figures[0].bars[1].group);
    assert_null(back.figures[0].grid);
    assert_int_equal(back.figures[1].bar_count, 0);
    assert_int_equal(back.figures[1].grid->column_count, 3);
    assert_string_equal(back.figures[1].grid->columns[2], "layer 2");
    assert_true(back.figures[1].grid->values[5] == 97);
    assert_true(isnan(back.figures[1].grid->values[3]));
    assert_null(back.figures[1].newick);
    assert_string_equal(back.figures[2].newick, sample.figures[2].newick);
    assert_null(back.figures[2].curves);
    const struct assay_curves *curves = back.figures[3].curves;
    assert_string_equal(curves->y_axis, "share named");
    assert_true(curves->x_logarithmic && curves->level == 0.95);
    assert_int_equal(curves->series_count, 2);
    assert_true(curves->series[1].reference && !curves->series[0].reference);
    assert_int_equal(curves->series[0].point_count, 3);
    assert_true(curves->series[0].points[1].high == 0.9);
    assert_true(isnan(curves->series[1].points[1].y));
    assert_true(back.quantities[0].value.high == 130);
    assert_int_equal(back.obtainable_count, 2);
    assert_true(back.obtainables[0].cost == 20 && isnan(back.obtainables[1].cost));
    assert_null(back.obtainables[1].basis);
    assert_string_equal(back.obtainables[1].outcomes[1].text, "high");
    assert_true(back.obtainables[0].outcomes[0].probabilities[2] == 0.75);
    assert_true(isnan(back.obtainables[0].outcomes[0].probabilities[4]));
    assert_string_equal(back.exhibits[0].sha256, sample.exhibits[0].sha256);

    json_t *second = finding_to_json(&back);
    char *a = json_print(first), *b = json_print(second);
    assert_string_equal(a, b);
    free(a);
    free(b);
    json_decref(first);
    json_decref(second);
    assay_finding_free(&back);
}

static void keys_come_in_the_order_of_the_struct(void **state)
{
    (void)state;
    static const char *const order[] = {"id",       "question",   "method",      "method_version",
                                        "seed",     "answers",    "cannot_tell", "weights",
                                        "ties",     "quantities", "figures",     "obtainables",
                                        "exhibits", "limits"};
    struct assay_finding sample = sample_finding();
    json_t *object = finding_to_json(&sample);
    const char *key;
    json_t *value;
    size_t i = 0;
    json_object_foreach(object, key, value) assert_string_equal(key, order[i++]);
    assert_int_equal(i, SAMPLE_COUNT(order));
    json_decref(object);
}

/* Applies `change` to the sample's JSON and expects a refusal that contains `words`. */
static void expect_refusal(void (*change)(json_t *), const char *words)
{
    struct assay_finding sample = sample_finding(), finding;
    struct assay_error error;
    json_t *object = finding_to_json(&sample);
    change(object);
    assert_int_equal(finding_from_json(object, "sample", &finding, &error), ASSAY_ERROR_INPUT);
    assert_non_null(strstr(error.message, words));
    assert_null(finding.arena);
    json_decref(object);
}

static void drop_the_id(json_t *object)
{
    json_object_del(object, "id");
}

static void add_a_key(json_t *object)
{
    json_object_set_new(json_array_get(json_object_get(object, "ties"), 0), "c", json_null());
}

static void number_for_a_hypothesis(json_t *object)
{
    json_t *weight = json_array_get(json_object_get(object, "weights"), 3);
    json_object_set_new(weight, "hypothesis", json_integer(3));
}

static void short_digest(json_t *object)
{
    json_t *exhibit = json_array_get(json_object_get(object, "exhibits"), 0);
    json_object_set_new(exhibit, "sha256", json_string("abc"));
}

static void negative_seed(json_t *object)
{
    json_object_set_new(object, "seed", json_string("-1"));
}

static void answers_that_are_no_list(json_t *object)
{
    json_object_set_new(object, "answers", json_string("yes"));
}

static json_t *grid_of(json_t *object)
{
    return json_object_get(json_array_get(json_object_get(object, "figures"), 1), "grid");
}

static void row_that_is_short(json_t *object)
{
    json_array_remove(json_array_get(json_object_get(grid_of(object), "values"), 1), 0);
}

static void more_rows_than_values(json_t *object)
{
    json_array_append_new(json_object_get(grid_of(object), "rows"), json_string("layer 2"));
}

static void cell_below_nought(json_t *object)
{
    json_t *values = json_object_get(grid_of(object), "values");
    json_array_set_new(json_array_get(values, 0), 1, json_real(-1));
}

static void cell_that_is_a_text(json_t *object)
{
    json_t *values = json_object_get(grid_of(object), "values");
    json_array_set_new(json_array_get(values, 0), 1, json_string("1"));
}

static void bars_and_a_grid(json_t *object)
{
    json_t *figure = json_array_get(json_object_get(object, "figures"), 1);
    json_object_set_new(figure, "bars", json_array());
}

static json_t *outcome_of(json_t *object)
{
    json_t *offer = json_array_get(json_object_get(object, "obtainables"), 0);
    return json_array_get(json_object_get(offer, "outcomes"), 1);
}

static void probability_above_one(json_t *object)
{
    json_array_set_new(json_object_get(outcome_of(object), "probabilities"), 0, json_real(1.5));
}

static void probability_that_is_missing(json_t *object)
{
    json_array_remove(json_object_get(outcome_of(object), "probabilities"), 0);
}

static json_t *curves_of(json_t *object)
{
    return json_object_get(json_array_get(json_object_get(object, "figures"), 3), "curves");
}

static json_t *point_of(json_t *object)
{
    json_t *series = json_array_get(json_object_get(curves_of(object), "series"), 0);
    return json_array_get(json_object_get(series, "points"), 0);
}

static void point_that_a_log_axis_cannot_show(json_t *object)
{
    json_object_set_new(point_of(object), "x", json_integer(0));
}

static void point_at_no_place(json_t *object)
{
    json_object_set_new(point_of(object), "x", json_null());
}

static void interval_upside_down(json_t *object)
{
    json_object_set_new(point_of(object), "low", json_real(0.9));
}

static void level_of_one(json_t *object)
{
    json_object_set_new(curves_of(object), "level", json_integer(1));
}

static void unknown_scale(json_t *object)
{
    json_object_set_new(curves_of(object), "x_scale", json_string("root"));
}

static void series_without_a_name(json_t *object)
{
    json_object_del(json_array_get(json_object_get(curves_of(object), "series"), 1), "name");
}

static void a_malformed_finding_is_refused_by_the_name_of_its_key(void **state)
{
    (void)state;
    expect_refusal(drop_the_id, "14 keys");
    expect_refusal(add_a_key, "ties[0].");
    expect_refusal(number_for_a_hypothesis, "weights[3].hypothesis: expected a text");
    expect_refusal(short_digest, "exhibits[0].sha256");
    expect_refusal(negative_seed, "seed");
    expect_refusal(row_that_is_short, "figures[1].grid.values");
    expect_refusal(more_rows_than_values, "figures[1].grid.values");
    expect_refusal(cell_below_nought, "not below 0");
    expect_refusal(cell_that_is_a_text, "numbers or null");
    expect_refusal(probability_above_one, "obtainables[0].probabilities: expected numbers from 0");
    expect_refusal(probability_that_is_missing, "a number or null for each weight");
    expect_refusal(bars_and_a_grid, "bars, curves, grid or newick");
    expect_refusal(point_that_a_log_axis_cannot_show, "points.x: expected a number above 0");
    expect_refusal(point_at_no_place, "points.x");
    expect_refusal(interval_upside_down, "a number up to high");
    expect_refusal(level_of_one, "curves.level");
    expect_refusal(unknown_scale, "linear or log");
    expect_refusal(series_without_a_name, "{name, reference, points}");
    expect_refusal(answers_that_are_no_list, "answers: expected a list");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(freeing_a_zeroed_finding_does_nothing),
        cmocka_unit_test(a_finding_survives_the_way_to_json_and_back),
        cmocka_unit_test(keys_come_in_the_order_of_the_struct),
        cmocka_unit_test(a_malformed_finding_is_refused_by_the_name_of_its_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
