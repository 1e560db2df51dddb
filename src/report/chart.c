/* SPDX-License-Identifier: Apache-2.0 */
/* A figure around its drawings: caption, legend, what is folded away, the table of numbers. */
#include "report/chart.h"

#include "report/draw.h"
#include "report/escape.h"

#include <string.h>

#define SHOWN 14 /* bars before a long figure is folded */

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
        fprintf(to, "<li><span class=\"swatch g%zu\"></span>", draw_group(figure, group));
        escape(to, group);
        fprintf(to, "</li>");
    }
    fprintf(to, "</ul>\n");
}

static void table(FILE *to, const struct assay_figure *figure)
{
    fprintf(to, "<details><summary>The numbers of this figure</summary>\n"
                "<div class=\"scroll\" tabindex=\"0\"><table><thead><tr><th scope=\"col\">What</th>"
                "<th scope=\"col\">Group</th><th scope=\"col\" class=\"n\">Value</th>"
                "<th scope=\"col\" class=\"n\">Low</th><th scope=\"col\" class=\"n\">High</th></tr>"
                "</thead><tbody>\n");
    for (size_t i = 0; i < figure->bar_count; i++) {
        const struct assay_bar *b = &figure->bars[i];
        fprintf(to, "<tr><th scope=\"row\">");
        escape(to, b->label);
        fprintf(to, "</th><td>");
        escape(to, b->group);
        fprintf(to, "</td><td class=\"n\">%.4g</td>", b->value);
        if (b->low < b->high)
            fprintf(to, "<td class=\"n\">%.4g</td><td class=\"n\">%.4g</td></tr>\n", b->low,
                    b->high);
        else
            fprintf(to, "<td class=\"n\"></td><td class=\"n\"></td></tr>\n");
    }
    fprintf(to, "</tbody></table></div></details>\n");
}

static void drawings(FILE *to, const struct assay_figure *figure, const char *id, size_t from,
                     size_t until)
{
    draw_svg(to, figure, id, &draw_wide, from, until);
    draw_svg(to, figure, id, &draw_narrow, from, until);
}

void chart_print(FILE *to, const struct assay_figure *figure, const char *id)
{
    size_t n = figure->bar_count;
    /* A fold that hides two or three rows costs more than it saves. */
    size_t shown = n > SHOWN + 4 ? SHOWN : n;
    fprintf(to, "<figure>\n<figcaption>");
    escape(to, figure->title);
    if (figure->unit[0]) {
        fprintf(to, " <span class=\"unit\">(");
        escape(to, figure->unit);
        fprintf(to, ")</span>");
    }
    fprintf(to, "</figcaption>\n");
    legend(to, figure);
    drawings(to, figure, id, 0, shown);
    if (shown < n) {
        fprintf(to, "<details><summary>%zu more</summary>\n", n - shown);
        drawings(to, figure, id, shown, n);
        fprintf(to, "</details>\n");
    }
    table(to, figure);
    fprintf(to, "</figure>\n");
}
