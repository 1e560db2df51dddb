/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layout: labels to the left, a plot with gridlines, values to the right, the axis below. All
 * positions follow from one scale, clipped where a likelihood ratio leaves the words behind:
 * beyond 10^6 support is "extremely strong", and how extreme is in the value beside it.
 */
#include "report/draw.h"

#include "report/escape.h"

#include <math.h>
#include <string.h>

#define GROUPS 6
#define CLIP 6.5

const struct draw_measures draw_wide = {"wide", 760, 170, 66, 26, 13.5, 26};
const struct draw_measures draw_narrow = {"narrow", 360, 140, 46, 24, 11, 19};

/* ---- colours --------------------------------------------------------------------------------- */

static size_t known_group(const char *group)
{
    static const struct {
        const char *name;
        size_t colour;
    } known[] = {
        {"stated", 0}, {"cannot be told apart", 1}, {"predicts better", 2}, {"predicts worse", 5}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(group, known[i].name) == 0)
            return known[i].colour;
    return GROUPS;
}

/* Words that this program uses have their colours; others get theirs by order of appearance. */
size_t draw_group(const struct assay_figure *figure, const char *group)
{
    const char *seen[GROUPS];
    size_t n = 0, known = known_group(group ? group : "");
    if (known < GROUPS)
        return known;
    for (size_t i = 0; i < figure->bar_count && n < GROUPS; i++) {
        const char *g = figure->bars[i].group ? figure->bars[i].group : "";
        size_t k = 0;
        while (k < n && strcmp(seen[k], g) != 0)
            k++;
        if (k == n)
            seen[n++] = g;
        if (strcmp(g, group ? group : "") == 0)
            return k;
    }
    return GROUPS - 1;
}

/* ---- the scale ------------------------------------------------------------------------------- */

struct scale {
    const struct draw_measures *m;
    double least, most, step; /* of the axis, in the figure's unit; step between gridlines */
    bool ratio;               /* log10 likelihood ratios */
};

/* 1, 2 or 5 times a power of ten, so that `range` has about `lines` of them. */
static double round_step(double range, double lines)
{
    double raw = range / lines, power = pow(10, floor(log10(raw)));
    double digit = raw / power;
    return (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10) * power;
}

static struct scale scale_of(const struct assay_figure *figure, const struct draw_measures *m)
{
    struct scale s = {m, 0, 0, 1, strncmp(figure->unit, "log10", 5) == 0};
    for (size_t i = 0; i < figure->bar_count; i++) {
        const struct assay_bar *b = &figure->bars[i];
        if (!isfinite(b->value))
            continue;
        s.least = fmin(s.least, fmin(b->low, b->value));
        s.most = fmax(s.most, fmax(b->high, b->value));
    }
    if (s.ratio) {
        s.least = fmax(fmin(s.least - 0.3, -0.6), -CLIP);
        s.most = fmin(fmax(s.most + 0.3, 0.6), CLIP);
        return s;
    }
    if (s.most <= s.least)
        s.most = s.least + 1;
    s.step = round_step(s.most - s.least, m == &draw_wide ? 5 : 3);
    return s;
}

static double across(const struct scale *s, double value)
{
    double share = (value - s->least) / (s->most - s->least);
    return s->m->label + (s->m->width - s->m->label - s->m->value) * fmin(fmax(share, 0), 1);
}

/* ---- rows ------------------------------------------------------------------------------------ */

static void label(FILE *to, const struct draw_measures *m, const char *text, double y)
{
    size_t characters = 0, bytes = 0;
    while (text[bytes] && characters < m->most_label) {
        bytes++;
        while (((unsigned char)text[bytes] & 0xC0) == 0x80)
            bytes++;
        characters++;
    }
    char copy[256];
    snprintf(copy, sizeof copy, "%.*s", (int)bytes, text);
    fprintf(to, "<text class=\"label\" x=\"%.0f\" y=\"%.1f\">", m->label - 14, y);
    escape(to, bytes < sizeof copy ? copy : "");
    fprintf(to, "%s</text>\n", text[bytes] ? "\xE2\x80\xA6" : "");
}

static void whisker(FILE *to, const struct scale *s, const struct assay_bar *b, double y)
{
    double low = across(s, b->low), high = across(s, b->high);
    if (high - low > 1)
        fprintf(to, "<path class=\"whisker\" d=\"M%.1f %.1fH%.1fM%.1f %.1fv8M%.1f %.1fv8\"/>\n",
                low, y, high, low, y - 4, high, y - 4);
}

/* A point, in a shape by group so that it reads without colour; an arrow where it is off scale. */
static void point(FILE *to, size_t group, double x, double y, int off)
{
    if (off)
        fprintf(to, "<path class=\"g%zu\" d=\"M%.1f %.1fl%d -6v12z\"/>\n", group, x, y, -off * 10);
    else if (group == 0)
        fprintf(to, "<path class=\"g0\" d=\"M%.1f %.1fl6.5 6.5l-6.5 6.5l-6.5 -6.5z\"/>\n", x,
                y - 6.5);
    else if (group == 5)
        fprintf(to, "<rect class=\"g5\" x=\"%.1f\" y=\"%.1f\" width=\"9\" height=\"9\"/>\n",
                x - 4.5, y - 4.5);
    else
        fprintf(to, "<circle class=\"g%zu\" cx=\"%.1f\" cy=\"%.1f\" r=\"5.3\"/>\n", group, x, y);
}

static void row(FILE *to, const struct assay_figure *figure, const struct scale *s, size_t i,
                double y)
{
    const struct assay_bar *b = &figure->bars[i];
    size_t group = draw_group(figure, b->group);
    double zero = across(s, 0), end = across(s, b->value);
    label(to, s->m, b->label, y + 4.5);
    if (s->ratio) {
        int off = b->value < s->least ? -1 : b->value > s->most ? 1 : 0;
        fprintf(to, "<path class=\"stem\" d=\"M%.1f %.1fH%.1f\"/>\n", zero, y, end);
        if (!off)
            whisker(to, s, b, y);
        point(to, group, end, y, off);
        fprintf(to, "<text class=\"value\" x=\"%.0f\" y=\"%.1f\">%.2f</text>\n", s->m->width - 4,
                y + 4.5, round(b->value * 100) / 100 + 0.0); /* + 0.0: no "-0.00" */
        return;
    }
    fprintf(to,
            "<rect class=\"g%zu\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"14\" rx=\"2\"/>\n",
            group, fmin(zero, end), y - 7, fmax(fabs(end - zero), 1.5));
    whisker(to, s, b, y);
    fprintf(to, "<text class=\"value\" x=\"%.0f\" y=\"%.1f\">%.3g</text>\n", s->m->width - 4,
            y + 4.5, b->value);
}

/* ---- what lies behind and below -------------------------------------------------------------- */

static void tick(FILE *to, const struct scale *s, double at, double top, double bottom)
{
    double x = across(s, at);
    fprintf(to,
            "<path class=\"%s\" d=\"M%.1f %.1fV%.1f\"/>\n<text class=\"tick\" x=\"%.1f\" "
            "y=\"%.1f\">%.3g</text>\n",
            at == 0 ? "axis" : "grid", x, top, bottom, x, bottom + 15, at);
}

/* Divisions of the verbal scale, with their words between them where there is room. */
static void verbal_axis(FILE *to, const struct scale *s, double top, double bottom)
{
    static const struct {
        double from, to;
        const char *words;
    } bands[] = {{0, 1, "weak"},   {1, 2, "moderate"},    {2, 3, "mod. strong"},
                 {3, 4, "strong"}, {4, 6, "very strong"}, {6, CLIP, ""}};
    const double tie = 0.30102999566398120;
    fprintf(to, "<rect class=\"band\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n",
            across(s, -tie), top, across(s, tie) - across(s, -tie), bottom - top);
    tick(to, s, 0, top, bottom);
    for (int side = -1; side <= 1; side += 2)
        for (size_t i = 0; i < sizeof bands / sizeof bands[0]; i++) {
            double from = side * bands[i].from, until = side * bands[i].to;
            if (from > s->most || from < s->least)
                break;
            if (i > 0)
                tick(to, s, from, top, bottom);
            double inner = fmin(fmax(i == 0 ? side * tie : from, s->least), s->most);
            double outer = fmin(fmax(until, s->least), s->most);
            double x1 = across(s, inner), x2 = across(s, outer);
            double wide = 6.6 * (double)strlen(bands[i].words);
            if (bands[i].words[0] && fabs(x2 - x1) > wide)
                fprintf(to, "<text class=\"words\" x=\"%.1f\" y=\"%.1f\">%s</text>\n",
                        (x1 + x2) / 2, top - 6, bands[i].words);
        }
}

/* Which way is which, below the axis. */
static void directions(FILE *to, const struct scale *s, double y)
{
    double zero = across(s, 0);
    fprintf(to, "<text class=\"words\" x=\"%.1f\" y=\"%.1f\">\xE2\x86\x90 predicts worse</text>\n",
            fmax((s->m->label + zero) / 2, s->m->label + 40), y);
    if (s->most > 1)
        fprintf(to,
                "<text class=\"words\" x=\"%.1f\" y=\"%.1f\">predicts better \xE2\x86\x92</text>\n",
                (zero + s->m->width - s->m->value) / 2, y);
}

static void plain_axis(FILE *to, const struct scale *s, double top, double bottom)
{
    for (double k = ceil(s->least / s->step); k * s->step <= s->most * (1 + 1e-9); k++)
        tick(to, s, k * s->step + 0.0, top, bottom); /* + 0.0: no "-0" */
}

/* A bracket along consecutive rows that are stated or cannot be told from it. */
static void bracket(FILE *to, const struct assay_figure *figure, const struct draw_measures *m,
                    size_t from, size_t until, double top)
{
    for (size_t i = from; i < until; i++) {
        size_t end = i;
        while (end < until && draw_group(figure, figure->bars[end].group) <= 1)
            end++;
        if (end > i + 1)
            fprintf(to, "<path class=\"bracket\" d=\"M%.0f %.1fh4V%.1fh-4\"/>\n", m->label - 10,
                    top + (double)(i - from) * m->row + 4, top + (double)(end - from) * m->row - 4);
        if (end > i)
            i = end;
    }
}

void draw_svg(FILE *to, const struct assay_figure *figure, const char *id,
              const struct draw_measures *m, size_t from, size_t until)
{
    struct scale s = scale_of(figure, m);
    double top = s.ratio ? 22 : 8, bottom = top + (double)(until - from) * m->row;
    fprintf(to,
            "<svg class=\"%s\" viewBox=\"0 0 %.0f %.0f\" font-size=\"%.1f\" role=\"img\" "
            "aria-labelledby=\"%s-%s%zu-t %s-%s%zu-d\">\n<title id=\"%s-%s%zu-t\">",
            m->name, m->width, bottom + (s.ratio ? 40 : 24), m->font, id, m->name, from, id,
            m->name, from, id, m->name, from);
    escape(to, figure->title);
    fprintf(to,
            "</title>\n<desc id=\"%s-%s%zu-d\">%zu rows; the table below the figure has their "
            "numbers.</desc>\n",
            id, m->name, from, until - from);
    if (s.ratio) {
        verbal_axis(to, &s, top, bottom);
        directions(to, &s, bottom + 32);
        bracket(to, figure, m, from, until, top);
    } else {
        plain_axis(to, &s, top, bottom);
    }
    for (size_t i = from; i < until; i++)
        row(to, figure, &s, i, top + ((double)(i - from) + 0.5) * m->row);
    fprintf(to, "</svg>\n");
}
