/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a lab found, as a page of one file: power against dose and against the number of answers,
 * ROC and Tippett's curves, drawn as SVG. In: a result. Out: report.json, report.html. What can go
 * wrong: the disk, memory. Nothing in it was written by a stranger but the design's path.
 */
#include "cli/lab.h"

#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH 430
#define HEIGHT 250
#define LEFT 45
#define TOP 12
#define RIGHT 10
#define BOTTOM 38

static const char *const colours[] = {"#1b6ca8", "#c2571a", "#3a7d44", "#7a4fa3",
                                      "#8c6d1f", "#a83250", "#3f7f86", "#555555"};
#define COLOURS (sizeof colours / sizeof colours[0])

struct axis {
    double least, most;
    bool logarithmic;
};

struct chart {
    FILE *to;
    struct axis x, y;
};

static double along(const struct axis *a, double value)
{
    double low = a->logarithmic ? log(a->least) : a->least;
    double high = a->logarithmic ? log(a->most) : a->most;
    double at = a->logarithmic ? log(value) : value;
    return high > low ? (at - low) / (high - low) : 0.5;
}

static double x_of(const struct chart *c, double value)
{
    return LEFT + along(&c->x, value) * (WIDTH - LEFT - RIGHT);
}

static double y_of(const struct chart *c, double value)
{
    return HEIGHT - BOTTOM - along(&c->y, value) * (HEIGHT - TOP - BOTTOM);
}

static void begin(struct chart *c, const char *title, const char *x, const double *ticks, size_t n)
{
    fprintf(c->to,
            "<figure><figcaption>%s</figcaption><svg viewBox=\"0 0 %d %d\" role=\"img\">"
            "<title>%s</title>\n",
            title, WIDTH, HEIGHT, title);
    for (int k = 0; k <= 4; k++) {
        double value = k / 4.0, y = y_of(c, value);
        fprintf(c->to,
                "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>"
                "<text class=\"y\" x=\"%d\" y=\"%.1f\">%.2g</text>\n",
                LEFT, WIDTH - RIGHT, y, y, LEFT - 6, y + 4, value);
    }
    for (size_t k = 0; k < n; k++)
        fprintf(c->to, "<text class=\"x\" x=\"%.1f\" y=\"%d\">%.3g</text>\n", x_of(c, ticks[k]),
                HEIGHT - BOTTOM + 16, ticks[k]);
    fprintf(c->to, "<text class=\"x\" x=\"%d\" y=\"%d\">%s</text>\n", (LEFT + WIDTH - RIGHT) / 2,
            HEIGHT - 4, x);
}

static void end(struct chart *c)
{
    fprintf(c->to, "</svg></figure>\n");
}

static void line_begin(struct chart *c, size_t colour)
{
    fprintf(c->to, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\" points=\"",
            colours[colour % COLOURS]);
}

static void point(struct chart *c, double x, double y)
{
    fprintf(c->to, "%.1f,%.1f ", x_of(c, x), y_of(c, y));
}

static void line_end(struct chart *c)
{
    fprintf(c->to, "\"/>\n");
}

static void label(struct chart *c, size_t colour, const char *text)
{
    fprintf(c->to, "<text x=\"%d\" y=\"%zu\" fill=\"%s\">%s</text>\n", LEFT + 8,
            TOP + 14 + 14 * colour, colours[colour % COLOURS], text);
}

/* Where a row stands against answers, further training (white box) or dose. */
static double place_of(const struct assay_lab_power *p, bool by_answers)
{
    return by_answers ? (double)p->answers : p->further > 0 ? p->further : p->dose;
}

/* ---- what is drawn ------------------------------------------------------------------- */

/* The rows of one curve have these in common. */
static bool is_of(const struct assay_lab_power *p, const struct assay_lab_power *like,
                  bool same_dose)
{
    return strcmp(p->depth, like->depth) == 0 && strcmp(p->method, like->method) == 0 &&
           strcmp(p->evasion, like->evasion) == 0 && p->width == like->width &&
           (same_dose ? p->dose == like->dose
                      : p->answers == like->answers && (p->further > 0) == (like->further > 0));
}

static size_t most_answers(const struct assay_lab_result *r)
{
    size_t most = 0;
    for (size_t i = 0; i < r->power_count; i++)
        most = r->power[i].answers > most ? r->power[i].answers : most;
    return most;
}

static void bar(struct chart *c, size_t colour, double x, const struct assay_lab_rate *rate)
{
    fprintf(c->to,
            "<line stroke=\"%s\" opacity=\".5\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" "
            "y2=\"%.1f\"/>\n",
            colours[colour % COLOURS], x_of(c, x), x_of(c, x), y_of(c, rate->low),
            y_of(c, rate->high));
}

/* Power against dose (or answers), a curve for each kind of student. */
static void draw_power(FILE *to, const struct assay_lab_result *r, const char *depth,
                       bool by_answers)
{
    char title[160], name[96];
    double ticks[32] = {0};
    size_t n = 0, colour = 0, all = most_answers(r);
    bool white = strcmp(depth, "white box") == 0; /* the distilled have no further training */
    for (size_t i = 0; i < r->power_count && n < 32; i++) {
        double at = place_of(&r->power[i], by_answers);
        bool fresh = strcmp(r->power[i].depth, depth) == 0 && (!white || r->power[i].further > 0);
        for (size_t k = 0; k < n; k++)
            fresh = fresh && ticks[k] != at;
        if (fresh)
            ticks[n++] = at;
    }
    if (n < 2)
        return;
    const char *axis = by_answers ? "answers" : white ? "further training" : "dose";
    struct chart c = {to, {ticks[0], ticks[0], true}, {0, 1, false}};
    for (size_t k = 0; k < n; k++) {
        c.x.least = fmin(c.x.least, ticks[k]);
        c.x.most = fmax(c.x.most, ticks[k]);
    }
    snprintf(title, sizeof title, "%s: share named at %.3g, against %s", depth, r->level,
             by_answers ? "answers read" : axis);
    begin(&c, title, axis, ticks, n);
    for (size_t i = 0; i < r->power_count; i++) {
        const struct assay_lab_power *first = &r->power[i];
        bool begins = strcmp(first->depth, depth) == 0 && (!white || first->further > 0) &&
                      (by_answers || first->answers == 0 || first->answers == all);
        for (size_t k = 0; k < i; k++)
            begins = begins && !is_of(&r->power[k], first, by_answers);
        if (!begins)
            continue;
        line_begin(&c, colour);
        for (size_t k = i; k < r->power_count; k++)
            if (is_of(&r->power[k], first, by_answers))
                point(&c, place_of(&r->power[k], by_answers), r->power[k].named.share);
        line_end(&c);
        for (size_t k = i; k < r->power_count; k++)
            if (is_of(&r->power[k], first, by_answers))
                bar(&c, colour, place_of(&r->power[k], by_answers), &r->power[k].named);
        int length = snprintf(name, sizeof name, "%s", first->method);
        if (strcmp(first->evasion, "none") != 0)
            length += snprintf(name + length, sizeof name - (size_t)length, ", %s", first->evasion);
        if (by_answers)
            snprintf(name + length, sizeof name - (size_t)length, ", dose %.3g", first->dose);
        label(&c, colour++, name);
    }
    end(&c);
}

/* "answers, dose 0.2", "fine-tuned, pruned, 0.1"; returns its length. */
static size_t name_row(const struct assay_lab_power *p, char *name, size_t size)
{
    bool hidden = strcmp(p->evasion, "none") != 0;
    int n = snprintf(name, size, "%s%s%s, %s%.3g", p->method, hidden ? ", " : "",
                     hidden ? p->evasion : "", p->further > 0 ? "" : "dose ",
                     p->further > 0 ? p->further : p->dose);
    return n > 0 && (size_t)n < size ? (size_t)n : size - 1;
}

static void draw_roc(FILE *to, const struct assay_lab_result *r, const char *depth)
{
    static const double ticks[] = {0, 0.25, 0.5, 0.75, 1};
    struct chart c = {to, {0, 1, false}, {0, 1, false}};
    char title[96], name[96];
    size_t colour = 0, all = most_answers(r);
    snprintf(title, sizeof title, "%s: ROC against both kinds of null students", depth);
    begin(&c, title, "false positives", ticks, 5);
    for (size_t i = 0; i < r->power_count && colour < COLOURS; i++) {
        const struct assay_lab_power *p = &r->power[i];
        if (strcmp(p->depth, depth) != 0 || (p->answers != 0 && p->answers != all))
            continue;
        line_begin(&c, colour);
        for (size_t k = 0; k < p->roc_count; k++)
            point(&c, p->roc[2 * k], p->roc[2 * k + 1]);
        line_end(&c);
        name_row(p, name, sizeof name);
        label(&c, colour++, name);
    }
    end(&c);
}

/* The share of students whose ratio is above a value: true ones and null ones. */
static void draw_tippett(FILE *to, const struct assay_lab_result *r, const char *depth)
{
    static const double ticks[] = {-1.5, -1, -0.5, 0, 0.5, 1, 1.5};
    double bound = log10((double)r->null_students + 1);
    struct chart c = {to, {-fmax(1.5, bound), fmax(1.5, bound), false}, {0, 1, false}};
    char title[96], name[96];
    size_t colour = 0, all = most_answers(r);
    snprintf(title, sizeof title, "%s: share with a larger likelihood ratio (Tippett)", depth);
    begin(&c, title, "log10 likelihood ratio", ticks, 7);
    for (size_t i = 0; i < r->power_count && colour < COLOURS; i++) {
        const struct assay_lab_power *p = &r->power[i];
        if (strcmp(p->depth, depth) != 0 || (p->answers != 0 && p->answers != all) || !p->dosed_lr)
            continue;
        for (int side = 0; side < 2; side++) {
            const double *lr = side == 0 ? p->dosed_lr : p->null_lr;
            size_t n = side == 0 ? p->named.n : p->null_count;
            line_begin(&c, colour);
            for (size_t k = 0; k < n; k++)
                point(&c, lr[k], 1 - (double)k / (double)n);
            line_end(&c);
        }
        size_t length = name_row(p, name, sizeof name);
        snprintf(name + length, sizeof name - length, ": Cllr %.2f", p->cllr);
        label(&c, colour++, name);
    }
    end(&c);
}

/* ---- the page ------------------------------------------------------------------------ */

static void write_wrong(FILE *to, const struct assay_lab_result *r)
{
    fprintf(to, "<h2>Asked about a teacher that they did not have</h2><table><tr><th>depth<th>who"
                "<th>method<th>evasion<th>dose<th>further training<th>width<th>students<th>named "
                "(95%%)<th>by the null of its kind"
                "</tr>\n");
    for (size_t i = 0; i < r->wrong_count; i++) {
        const struct assay_lab_wrong *w = &r->wrong[i];
        fprintf(to,
                "<tr><td>%s<td>%s<td>%s<td>%s<td>%.3g<td>%.3g<td>%u<td>%zu<td>%.2f (%.2f to "
                "%.2f)<td>%.2f (%.2f to %.2f)</tr>\n",
                w->depth, w->who, w->method, w->evasion, w->dose, w->further, w->width, w->named.n,
                w->named.share, w->named.low, w->named.high, w->against_own.share,
                w->against_own.low, w->against_own.high);
    }
    fprintf(to, "</table>\n");
}

static void write_capability(FILE *to, const struct assay_lab_result *r)
{
    fprintf(to, "<h2>What students took from their teachers</h2><table><tr><th>method<th>dose<th>"
                "students<th>share of manner<th>bits a fact<th>bits a task<th>tasks right</tr>\n");
    for (size_t i = 0; i < r->capability_count; i++) {
        const struct assay_lab_capability *c = &r->capability[i];
        fprintf(to, "<tr><td>%s<td>%.3g<td>%zu", c->method, c->dose, c->n);
        const double *means[] = {c->manner, c->fact_bits, c->task_bits, c->task_right};
        for (size_t k = 0; k < 4 && !isnan(means[k][0]); k++)
            fprintf(to, "<td>%.2f (%.2f to %.2f)", means[k][0], means[k][1], means[k][2]);
        fprintf(to, "</tr>\n");
    }
    fprintf(to, "</table>\n");
}

static void write_page(FILE *to, const struct assay_lab_result *r)
{
    static const char *const depths[] = {"black box", "grey box"};
    fprintf(to,
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Lab report</title>"
            "<style>body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem "
            "auto;padding:0 1rem}figure{display:inline-block;width:27rem;margin:.5rem}svg{width:"
            "100%%}svg text{font-size:11px}.x{text-anchor:middle}.y{text-anchor:end}.grid{stroke:"
            "#ddd}table{border-collapse:collapse;font-size:14px}td,th{border-bottom:1px solid "
            "#ddd;padding:.2rem .6rem;text-align:left}</style><h1>What the lab's detectors see</h1>"
            "<p>%zu models; %zu undosed students and %zu control teachers to compare with; level "
            "%.3g. A student is named if both nulls say so. Bars are 95%% intervals. The world is "
            "made up and the models are small: power here is no power elsewhere. All numbers are "
            "in report.json.</p>\n",
            r->cells, r->null_students, r->control_teachers, r->level);
    for (size_t d = 0; d < 2; d++) {
        fprintf(to, "<h2>%s</h2>\n", depths[d]);
        draw_power(to, r, depths[d], false);
        if (d == 0)
            draw_power(to, r, depths[d], true);
        draw_roc(to, r, depths[d]);
        draw_tippett(to, r, depths[d]);
    }
    if (r->white_count > 0) {
        cli_lab_white_page(to, r);
        draw_power(to, r, "white box", false);
        draw_roc(to, r, "white box");
        draw_tippett(to, r, "white box");
    }
    write_wrong(to, r);
    write_capability(to, r);
    fprintf(to, "</html>\n");
}

static assay_status write_beside(struct cli_call *call, const char *folder, const char *name,
                                 const char *text, size_t size)
{
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (n < 0 || (size_t)n >= sizeof path)
        return assay_error_at(&call->error, ASSAY_ERROR_LIMIT, folder, 0,
                              "the folder's name is too long");
    return assay_file_write(path, text, size, &call->error);
}

assay_status cli_lab_report(struct cli_call *call, const char *folder,
                            const struct assay_lab_result *r)
{
    char *page = NULL;
    size_t size = 0;
    json_t *json = cli_lab_json(call, folder, r);
    char *text = json_print(json);
    FILE *to = open_memstream(&page, &size);
    assay_status status =
        assay_error_at(&call->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    if (to)
        write_page(to, r);
    bool good = to && fclose(to) == 0 && text;
    if (good)
        status = write_beside(call, folder, "report.json", text, strlen(text));
    if (good && status == ASSAY_OK)
        status = write_beside(call, folder, "report.html", page, size);
    json_decref(json);
    free(text);
    free(page);
    return status;
}
