/* SPDX-License-Identifier: Apache-2.0 */
#include "finding/curves.h"

struct curves curves_begin(struct finding_writer *to, size_t most)
{
    return (struct curves){to, finding_room(to, most, sizeof(struct assay_series)), 0, most};
}

struct assay_point *curves_add(struct curves *curves, const char *name, bool reference, size_t most)
{
    struct assay_point *points = finding_room(curves->to, most, sizeof *points);
    if (!curves->series || !points || !name || curves->count == curves->room)
        return NULL;
    curves->series[curves->count++] =
        (struct assay_series){.name = name, .points = points, .reference = reference};
    return points;
}

void curves_put(struct curves *curves, struct assay_point *points, double x, double y, double low,
                double high)
{
    points[curves->series[curves->count - 1].point_count++] = (struct assay_point){x, y, low, high};
}

bool curves_end(const struct curves *curves, const char *id, const char *title,
                const struct curves_axes *axes, struct assay_figure *figure)
{
    bool wide = false;
    for (size_t i = 0; i < curves->count; i++)
        for (size_t k = 0; k < curves->series[i].point_count; k++)
            wide |= curves->series[i].points[k].x != curves->series[0].points[0].x;
    struct assay_curves *made = finding_room(curves->to, 1, sizeof *made);
    if (!wide || !made || !id || !title)
        return false;
    *made = (struct assay_curves){.x_axis = axes->x,
                                  .y_axis = axes->y,
                                  .x_logarithmic = axes->logarithmic,
                                  .level = axes->level,
                                  .series = curves->series,
                                  .series_count = curves->count};
    *figure = (struct assay_figure){.id = id, .title = title, .unit = "", .curves = made};
    return true;
}
