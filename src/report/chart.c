/* SPDX-License-Identifier: Apache-2.0 */
#include "report/chart.h"

#include "report/escape.h"

#include <math.h>
#include <string.h>

/* Measures in the picture's own units, about a pixel at full width. */
enum { WIDTH = 720, LABEL = 190, VALUE = 76, ROW = 24, BAR = 14, TOP = 8, MOST_GROUPS = 6 };

struct scale {
    double least, most; /* of the axis, in the figure's unit */
};

static double across(const struct scale *s, double value)
{
    double room = WIDTH - LABEL - VALUE;
    double share = (value - s->least) / (s->most - s->least);
    return LABEL + room * fmin(fmax(share, 0), 1);
}

static struct scale scale_of(const struct assay_figure *figure)
{
    struct scale s = {0, 0};
    for (size_t i = 0; i < figure->bar_count; i++) {
        const struct assay_bar *b = &figure->bars[i];
        s.least = fmin(s.least, fmin(b->low, b->value));
        s.most = fmax(s.most, fmax(b->high, b->value));
    }
    if (s.most <= s.least)
        s.most = s.least + 1;
    return s;
}

/* The groups of a figure in order of appearance, which gives each its colour. */
static size_t group_index(const struct assay_figure *figure, const char *group)
{
    const char *seen[MOST_GROUPS];
    size_t n = 0;
    for (size_t i = 0; i < figure->bar_count && n < MOST_GROUPS; i++) {
        const char *g = figure->bars[i].group ? figure->bars[i].group : "";
        size_t k = 0;
        while (k < n && strcmp(seen[k], g) != 0)
            k++;
        if (k == n)
            seen[n++] = g;
        if (strcmp(g, group ? group : "") == 0)
            return k;
    }
    return 0;
}

static void bar(FILE *to, const struct assay_figure *figure, const struct scale *s, size_t i)
{
    const struct assay_bar *b = &figure->bars[i];
    double y = TOP + (double)i * ROW, middle = y + ROW / 2.0;
    double zero = across(s, 0), end = across(s, b->value);
    fprintf(to, "<text class=\"label\" x=\"%d\" y=\"%.1f\">", LABEL - 8, middle + 4.5);
    escape(to, b->label);
    fprintf(to,
            "</text>\n<rect class=\"g%zu\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" "
            "rx=\"2\"/>\n",
            group_index(figure, b->group), fmin(zero, end), middle - BAR / 2.0,
            fmax(fabs(end - zero), 1.5), BAR);
    if (b->low < b->high)
        fprintf(to, "<path class=\"whisker\" d=\"M%.1f %.1fH%.1fM%.1f %.1fv8M%.1f %.1fv8\"/>\n",
                across(s, b->low), middle, across(s, b->high), across(s, b->low), middle - 4,
                across(s, b->high), middle - 4);
    fprintf(to, "<text class=\"value\" x=\"%d\" y=\"%.1f\">%.3g</text>\n", WIDTH - 4, middle + 4.5,
            b->value);
}

static void legend(FILE *to, const struct assay_figure *figure)
{
    fprintf(to, "<ul class=\"legend\">");
    for (size_t i = 0; i < figure->bar_count; i++) {
        const char *group = figure->bars[i].group;
        bool first = group != NULL;
        for (size_t j = 0; j < i && first; j++)
            first = !figure->bars[j].group || strcmp(figure->bars[j].group, group) != 0;
        if (!first)
            continue;
        fprintf(to, "<li><span class=\"swatch g%zu\"></span>", group_index(figure, group));
        escape(to, group);
        fprintf(to, "</li>");
    }
    fprintf(to, "</ul>\n");
}

static void table(FILE *to, const struct assay_figure *figure)
{
    fprintf(to, "<details><summary>The numbers of this figure</summary>\n<div class=\"scroll\">"
                "<table><thead><tr><th>What</th><th>Group</th><th class=\"n\">Value</th>"
                "<th class=\"n\">Low</th><th class=\"n\">High</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < figure->bar_count; i++) {
        const struct assay_bar *b = &figure->bars[i];
        fprintf(to, "<tr><td>");
        escape(to, b->label);
        fprintf(to, "</td><td>");
        escape(to, b->group);
        fprintf(to,
                "</td><td class=\"n\">%.4g</td><td class=\"n\">%.4g</td><td class=\"n\">%.4g</td>"
                "</tr>\n",
                b->value, b->low, b->high);
    }
    fprintf(to, "</tbody></table></div></details>\n");
}

void chart_print(FILE *to, const struct assay_figure *figure, const char *id)
{
    struct scale s = scale_of(figure);
    double height = TOP * 2 + (double)figure->bar_count * ROW;
    fprintf(to, "<figure>\n<figcaption>");
    escape(to, figure->title);
    fprintf(to, " <span class=\"unit\">(");
    escape(to, figure->unit[0] ? figure->unit : "a number");
    fprintf(to, ")</span></figcaption>\n");
    legend(to, figure);
    fprintf(to,
            "<svg viewBox=\"0 0 %d %.0f\" role=\"img\" aria-labelledby=\"%s-t %s-d\">\n"
            "<title id=\"%s-t\">",
            WIDTH, height, id, id, id);
    escape(to, figure->title);
    fprintf(to,
            "</title>\n<desc id=\"%s-d\">%zu horizontal bars; the table below has their "
            "numbers.</desc>\n",
            id, figure->bar_count);
    double zero = across(&s, 0);
    fprintf(to, "<path class=\"axis\" d=\"M%.1f %dV%.0f\"/>\n", zero, TOP / 2, height - TOP / 2.0);
    for (size_t i = 0; i < figure->bar_count; i++)
        bar(to, figure, &s, i);
    fprintf(to, "</svg>\n");
    table(to, figure);
    fprintf(to, "</figure>\n");
}
