/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feed-forward parts whose names are hidden, put together again by which units are alike. X is the
 * side whose names are known, or A if none are; Y's are hidden. In a transformer every matrix has
 * the residual stream on one of its axes, so shapes tell the stream's width, embeddings ([most
 * rows, width], no matrix the other way round), and feed-forward parts ([units, width] with
 * [width, units] beside it). With X's stream turned into Y's (turn.c), every matrix of X is
 * matched with every one of Y of its kind, both signs.
 *   - Y's down matrix belongs to the block of X whose down matrix finds itself in it best.
 *   - Rows that belong to it are those that find the same units as it does.
 *   - Without any names X's own blocks are put together first, in the same way.
 * What is put together depends on no unit's number, so tests on numbers stay exact; tests on parts
 * that agree are corrected for the choices (c->log10_choices).
 */
#include "lineage/hidden.h"
#include "lineage/blocks.h"
#include "lineage/turn.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_SAMPLED 128
#define MOST_WORK 1e11 /* multiplications */
#define MOST_SHELF 512
#define OF_STREAM 0.9 /* of matrices that must have the stream's width */
#define CANDIDATES 2  /* an embedding and a head */

/* ---- what shapes tell ---------------------------------------------------------------- */

struct shelf {
    struct matrix *rows[MOST_SHELF], *columns[MOST_SHELF]; /* units one a row; one a column */
    size_t row_count, column_count;
    struct matrix *embeddings[CANDIDATES];
    size_t embedding_count;
    uint64_t width;
};

static bool is_flat(const struct matrix *m)
{
    return !m->ignored && m->shape.inner == 1;
}

/* How many matrices are rows x columns. */
static size_t count_shape(const struct matrices *all, uint64_t rows, uint64_t columns)
{
    size_t count = 0;
    for (size_t i = 0; i < all->count; i++)
        count += is_flat(&all->list[i]) && all->list[i].shape.out == rows &&
                 all->list[i].shape.in == columns;
    return count;
}

static uint64_t stream_width(const struct matrices *all)
{
    uint64_t best = 0;
    size_t most = 0, flat = 0;
    for (size_t i = 0; i < all->count; i++) {
        uint64_t size = all->list[i].shape.in;
        size_t count = 0;
        flat += is_flat(&all->list[i]);
        for (size_t k = 0; k < all->count && is_flat(&all->list[i]); k++)
            count += is_flat(&all->list[k]) &&
                     (all->list[k].shape.in == size || all->list[k].shape.out == size);
        if (count > most) {
            most = count;
            best = size;
        }
    }
    return (double)most >= OF_STREAM * (double)flat ? best : 0;
}

static void find_embeddings(struct matrices *all, struct shelf *s)
{
    uint64_t rows = 0;
    for (size_t i = 0; i < all->count; i++) {
        const struct shaped *shape = &all->list[i].shape;
        if (is_flat(&all->list[i]) && shape->in == s->width && shape->out != s->width &&
            shape->out > rows && count_shape(all, s->width, shape->out) == 0 &&
            count_shape(all, shape->out, s->width) <= CANDIDATES)
            rows = shape->out;
    }
    for (size_t i = 0; i < all->count && rows; i++)
        if (is_flat(&all->list[i]) && all->list[i].shape.out == rows &&
            all->list[i].shape.in == s->width)
            s->embeddings[s->embedding_count++] = &all->list[i];
}

static bool is_feed_forward(const struct matrix *m)
{
    return m->name.role == ROLE_GATE || m->name.role == ROLE_UP || m->name.role == ROLE_DOWN;
}

/* False if this is no transformer, or too large a one. */
static bool fill_shelf(struct matrices *all, bool named, struct shelf *s)
{
    memset(s, 0, sizeof *s);
    s->width = stream_width(all);
    for (size_t i = 0; i < all->count && named; i++)
        if (all->list[i].name.role == ROLE_EMBEDDING && is_flat(&all->list[i])) {
            s->width = all->list[i].shape.in;
            s->embeddings[s->embedding_count++] = &all->list[i];
            break;
        }
    if (!named)
        find_embeddings(all, s);
    for (size_t i = 0; i < all->count && s->width; i++) {
        struct matrix *m = &all->list[i];
        bool row = m->shape.in == s->width && m->shape.out != s->width;
        uint64_t units = row ? m->shape.out : m->shape.in;
        if (!is_flat(m) || (!row && (m->shape.out != s->width || units == s->width)) ||
            (named ? !is_feed_forward(m)
                   : count_shape(all, s->width, units) == 0 ||
                         count_shape(all, units, s->width) == 0))
            continue;
        if (s->row_count == MOST_SHELF || s->column_count == MOST_SHELF)
            return false;
        *(row ? &s->rows[s->row_count++] : &s->columns[s->column_count++]) = m;
    }
    return s->embedding_count && s->column_count &&
           (s->row_count == s->column_count || s->row_count == 2 * s->column_count);
}

/* ---- all against all ----------------------------------------------------------------- */

struct cell {
    size_t *best; /* for each sampled unit of X's matrix */
    double score; /* mean cosine */
};

struct puzzle {
    struct comparing *c;
    struct shelf x, y;
    struct turn turn;
    size_t n;
    struct cell *rows, *columns;         /* [of x][of y] */
    float *row_lengths, *column_lengths; /* [of x][sampled unit] */
};

/* `lengths` has room for n units of X, and is not looked at where m is Y's. */
static assay_status pack(struct puzzle *p, const struct matrix *m, bool columns, float *of_x,
                         struct packed *packed, uint64_t *units)
{
    enum part part = columns ? PART_DOWN : PART_UP;
    struct body_block block = {.part = {[PART_UP] = m, [PART_DOWN] = m},
                               .units = columns ? m->shape.in : m->shape.out};
    struct units u = {0};
    uint64_t count = of_x ? p->n : block.units;
    struct assay_context context = *p->c->context;
    context.threads = 1; /* small: to wake others would take longer */
    size_t *numbers = malloc((size_t)(count + 1) * sizeof *numbers);
    float *lengths = calloc((size_t)count + 1, sizeof *lengths);
    *units = block.units;
    assay_status status = numbers && lengths
                              ? body_units(&block, part, count, !of_x, of_x ? &p->turn : NULL, &u,
                                           numbers, lengths, &p->c->result->bytes_read, p->c->error)
                              : compare_no_memory(p->c);
    if (status == ASSAY_OK)
        status = units_pack(&context, &u, false, packed, p->c->error);
    for (size_t i = 0; i < p->n && of_x && lengths; i++)
        of_x[i] = lengths[i];
    units_free(&u);
    free(numbers);
    free(lengths);
    return status;
}

static assay_status fill_cell(struct puzzle *p, const struct packed *x, const struct packed *y,
                              uint64_t units_y, struct cell *cell)
{
    float *score = malloc((p->n + 1) * sizeof *score);
    struct assay_context context = *p->c->context;
    context.threads = 1; /* small: to wake others would take longer */
    cell->best = assay_arena_alloc(p->c->arena, p->n, sizeof *cell->best);
    assay_status status = score && cell->best
                              ? match_packed(&context, x, y, cell->best, score, p->c->error)
                              : compare_no_memory(p->c);
    for (size_t i = 0; i < p->n && status == ASSAY_OK; i++) {
        cell->score += (double)score[i] / (double)p->n;
        if (cell->best[i] != MATCH_NONE)
            cell->best[i] %= units_y; /* the second half are the first, negated */
    }
    free(score);
    return status;
}

static assay_status match_kind(struct puzzle *p, bool columns, struct cell **cells)
{
    struct matrix **x = columns ? p->x.columns : p->x.rows;
    struct matrix **y = columns ? p->y.columns : p->y.rows;
    size_t nx = columns ? p->x.column_count : p->x.row_count;
    size_t ny = columns ? p->y.column_count : p->y.row_count;
    *cells = assay_arena_alloc(p->c->arena, nx * ny, sizeof **cells);
    struct packed *packed = assay_arena_alloc(p->c->arena, nx, sizeof *packed);
    float *lengths = assay_arena_alloc(p->c->arena, nx * p->n, sizeof *lengths);
    *(columns ? &p->column_lengths : &p->row_lengths) = lengths;
    if (!*cells || !packed || !lengths)
        return compare_no_memory(p->c);
    assay_status status = ASSAY_OK;
    uint64_t units;
    for (size_t i = 0; i < nx && status == ASSAY_OK; i++)
        status = pack(p, x[i], columns, lengths + i * p->n, &packed[i], &units);
    for (size_t j = 0; j < ny && status == ASSAY_OK; j++) {
        struct packed other = {0};
        status = pack(p, y[j], columns, NULL, &other, &units);
        for (size_t i = 0; i < nx && status == ASSAY_OK; i++)
            status = fill_cell(p, &packed[i], &other, units, &(*cells)[i * ny + j]);
        packed_free(&other);
    }
    for (size_t i = 0; i < nx; i++)
        packed_free(&packed[i]);
    return status;
}

/* ---- putting together ---------------------------------------------------------------- */

static size_t best_of_x(const struct cell *cells, size_t ny, size_t i)
{
    size_t best = 0;
    for (size_t j = 1; j < ny; j++)
        if (cells[i * ny + j].score > cells[i * ny + best].score)
            best = j;
    return best;
}

static size_t best_of_y(const struct cell *cells, size_t nx, size_t ny, size_t j)
{
    size_t best = 0;
    for (size_t i = 1; i < nx; i++)
        if (cells[i * ny + j].score > cells[best * ny + j].score)
            best = i;
    return best;
}

static size_t agreeing(const struct puzzle *p, const struct cell *a, const struct cell *b)
{
    size_t count = 0;
    for (size_t i = 0; i < p->n; i++)
        count += a->best[i] != MATCH_NONE && a->best[i] == b->best[i];
    return count;
}

/* Which rows of X belong to each of its down matrices: parts[k][column], MATCH_NONE: none. */
struct parts {
    size_t *of[2];
    size_t count; /* rows to a column: 1 or 2 */
};

static void known_parts(const struct puzzle *p, struct parts *parts)
{
    static const enum role roles[2] = {ROLE_UP, ROLE_GATE};
    for (size_t d = 0; d < p->x.column_count; d++)
        for (size_t k = 0; k < parts->count; k++) {
            parts->of[k][d] = MATCH_NONE;
            for (size_t r = 0; r < p->x.row_count; r++) {
                const struct named_role *row = &p->x.rows[r]->name, *own = &p->x.columns[d]->name;
                if (row->role == roles[k] && row->layer == own->layer && row->expert == own->expert)
                    parts->of[k][d] = r;
            }
        }
}

/* Of the logarithms of lengths: a unit that writes much tends to read much. */
static double correlation(const float *x, const float *y, size_t n)
{
    double sx = 0, sy = 0, xx = 0, yy = 0, xy = 0, count = (double)n;
    for (size_t i = 0; i < n; i++) {
        double a = log(fmax(1e-30, (double)x[i])), b = log(fmax(1e-30, (double)y[i]));
        sx += a;
        sy += b;
        xx += a * a;
        yy += b * b;
        xy += a * b;
    }
    double spread = (xx - sx * sx / count) * (yy - sy * sy / count);
    return spread > 0 ? (xy - sx * sy / count) / sqrt(spread) : 0;
}

/*
 * Those that find the same units of Y, each in its best partner, most agreement first. Where no
 * unit was renumbered all agree with all: then lengths, which go together within a layer, decide.
 */
static assay_status guess_parts(const struct puzzle *p, struct parts *parts)
{
    size_t nr = p->x.row_count, nd = p->x.column_count, ny = p->y.row_count;
    size_t my = p->y.column_count;
    double *scores = assay_arena_alloc(p->c->arena, nr * nd, sizeof *scores);
    bool *taken = assay_arena_alloc(p->c->arena, nr, sizeof *taken);
    if (!scores || !taken)
        return compare_no_memory(p->c);
    for (size_t d = 0; d < nd; d++) {
        const struct cell *down = &p->columns[d * my + best_of_x(p->columns, my, d)];
        parts->of[0][d] = MATCH_NONE;
        parts->of[parts->count - 1][d] = MATCH_NONE;
        for (size_t r = 0; r < nr; r++)
            scores[d * nr + r] =
                (double)agreeing(p, down, &p->rows[r * ny + best_of_x(p->rows, ny, r)]) /
                    (double)p->n +
                0.5 * correlation(p->column_lengths + d * p->n, p->row_lengths + r * p->n, p->n);
    }
    for (size_t round = 0; round < nr; round++) {
        size_t best_d = MATCH_NONE, best_r = 0;
        for (size_t d = 0; d < nd; d++)
            for (size_t r = 0; r < nr; r++)
                if (!taken[r] && parts->of[parts->count - 1][d] == MATCH_NONE &&
                    (best_d == MATCH_NONE || scores[d * nr + r] > scores[best_d * nr + best_r])) {
                    best_d = d;
                    best_r = r;
                }
        if (best_d == MATCH_NONE)
            break;
        taken[best_r] = true;
        parts->of[parts->of[0][best_d] != MATCH_NONE][best_d] = best_r;
    }
    return ASSAY_OK;
}

static void name(struct matrix *m, enum role role, long layer, long expert)
{
    m->name = (struct named_role){role, layer, expert};
    matrix_set_axes(m);
}

/* X's blocks under numbers of our own. */
static void name_x(struct puzzle *p, const struct parts *parts)
{
    static const enum role roles[2] = {ROLE_UP, ROLE_GATE};
    for (size_t d = 0; d < p->x.column_count; d++) {
        name(p->x.columns[d], ROLE_DOWN, (long)d, -1);
        for (size_t k = 0; k < parts->count; k++)
            if (parts->of[k][d] != MATCH_NONE)
                name(p->x.rows[parts->of[k][d]], roles[k], (long)d, -1);
    }
}

/* The row of Y, not taken yet, that finds what e finds, looked for by X's row `r`; NULL: none. */
static struct matrix *row_for(const struct puzzle *p, size_t r, const struct cell *down,
                              uint64_t units, bool *taken)
{
    size_t ny = p->y.row_count, best = MATCH_NONE, most = 0;
    for (size_t j = 0; j < ny; j++) {
        if (taken[j] || p->y.rows[j]->shape.out != units)
            continue;
        const struct cell *cell = &p->rows[r * ny + j];
        size_t count = agreeing(p, cell, down);
        if (best == MATCH_NONE || count > most ||
            (count == most && cell->score > p->rows[r * ny + best].score)) {
            best = j;
            most = count;
        }
    }
    if (best == MATCH_NONE)
        return NULL;
    taken[best] = true;
    return p->y.rows[best];
}

/* A partner for pair.c, unless X's has one that is more alike. */
static void pair(struct matrix *x, struct matrix *y)
{
    if (!x->partner) {
        x->partner = y;
        y->partner = x;
    }
}

/* Experts to a layer, if there are routers of that many rows, one a layer; else 0. */
static size_t experts_of(const struct matrices *all, const struct shelf *s)
{
    for (size_t experts = 2; experts <= s->column_count; experts++)
        if (s->column_count % experts == 0 && experts != s->width &&
            count_shape(all, experts, s->width) == s->column_count / experts)
            return experts;
    return 0;
}

struct place {
    size_t column, of_x; /* of Y; of X */
    double score;
};

static int by_partner(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->of_x != y->of_x)
        return x->of_x < y->of_x ? -1 : 1;
    return (x->score < y->score) - (x->score > y->score);
}

static assay_status name_y(struct puzzle *p, const struct matrices *all, const struct parts *parts)
{
    static const enum role roles[2] = {ROLE_UP, ROLE_GATE};
    size_t nx = p->x.column_count, ny = p->y.column_count, experts = experts_of(all, &p->y);
    struct place *places = assay_arena_alloc(p->c->arena, ny, sizeof *places);
    bool *taken = assay_arena_alloc(p->c->arena, p->y.row_count, sizeof *taken);
    if (!places || !taken)
        return compare_no_memory(p->c);
    for (size_t e = 0; e < ny; e++) {
        size_t d = best_of_y(p->columns, nx, ny, e);
        places[e] = (struct place){e, d, p->columns[d * ny + e].score};
    }
    qsort(places, ny, sizeof *places, by_partner);
    for (size_t i = 0; i < ny; i++) {
        const struct cell *down = &p->columns[places[i].of_x * ny + places[i].column];
        struct matrix *e = p->y.columns[places[i].column], *d = p->x.columns[places[i].of_x];
        long layer = experts ? (long)(i / experts) : (long)i;
        long expert = experts ? (long)(i % experts) : -1;
        name(e, ROLE_DOWN, layer, expert);
        pair(d, e);
        for (size_t k = 0; k < parts->count; k++) {
            size_t r = parts->of[k][places[i].of_x];
            struct matrix *row = r == MATCH_NONE ? NULL : row_for(p, r, down, e->shape.in, taken);
            if (!row)
                continue;
            name(row, roles[k], layer, expert);
            pair(p->x.rows[r], row);
        }
    }
    return ASSAY_OK;
}

/* ---- the whole ----------------------------------------------------------------------- */

/* The turn by whichever of embedding and head fit best on either side. */
static assay_status best_turn(struct puzzle *p, bool *found)
{
    struct matrix *best[2] = {NULL, NULL};
    *found = false;
    for (size_t i = 0; i < p->x.embedding_count * p->y.embedding_count; i++) {
        struct matrix *ex = p->x.embeddings[i / p->y.embedding_count];
        struct matrix *ey = p->y.embeddings[i % p->y.embedding_count];
        struct turn turn;
        bool here;
        ASSAY_TRY(
            turn_find(p->c->context, ex, ey, &turn, &here, &p->c->result->bytes_read, p->c->error));
        if (here && (!*found || turn.fit > p->turn.fit)) {
            turn_free(&p->turn);
            p->turn = turn;
            best[0] = ex;
            best[1] = ey;
            *found = true;
        } else
            turn_free(&turn);
    }
    for (int side = 0; side < 2 && *found; side++) {
        const struct shelf *s = side ? &p->y : &p->x;
        for (size_t i = 0; i < s->embedding_count; i++)
            if (s->embeddings[i]->name.role != ROLE_EMBEDDING || side)
                name(s->embeddings[i], s->embeddings[i] == best[side] ? ROLE_EMBEDDING : ROLE_HEAD,
                     -1, -1);
        best[side]->partner = best[!side];
    }
    return ASSAY_OK;
}

static bool is_feasible(struct puzzle *p)
{
    uint64_t least = UINT64_MAX, most = 0;
    for (size_t i = 0; i < p->x.row_count; i++)
        least = p->x.rows[i]->shape.out < least ? p->x.rows[i]->shape.out : least;
    for (size_t i = 0; i < p->y.row_count; i++)
        most = p->y.rows[i]->shape.out > most ? p->y.rows[i]->shape.out : most;
    p->n = (size_t)(least < MOST_SAMPLED ? least : MOST_SAMPLED);
    double pairs =
        (double)(p->x.row_count * p->y.row_count + p->x.column_count * p->y.column_count);
    return p->n >= 16 && 2 * pairs * (double)p->n * (double)most * (double)p->x.width < MOST_WORK;
}

static assay_status solve(struct puzzle *p, bool x_named, const struct matrices *y)
{
    struct parts parts = {.count = p->x.row_count / p->x.column_count};
    bool found;
    for (int k = 0; k < 2; k++) {
        parts.of[k] = assay_arena_alloc(p->c->arena, p->x.column_count, sizeof(size_t));
        if (!parts.of[k])
            return compare_no_memory(p->c);
    }
    ASSAY_TRY(best_turn(p, &found));
    if (!found)
        return ASSAY_OK;
    ASSAY_TRY(match_kind(p, false, &p->rows));
    ASSAY_TRY(match_kind(p, true, &p->columns));
    if (x_named)
        known_parts(p, &parts);
    else {
        ASSAY_TRY(guess_parts(p, &parts));
        name_x(p, &parts);
    }
    p->c->log10_choices = (double)(parts.count + 1) * log10((double)p->y.row_count) +
                          (x_named ? 0 : (double)parts.count * log10((double)p->x.row_count));
    return name_y(p, y, &parts);
}

assay_status hidden_blocks(struct comparing *c, struct matrices *x, bool x_named,
                           struct matrices *y)
{
    struct puzzle *p = calloc(1, sizeof *p);
    if (!p)
        return compare_no_memory(c);
    p->c = c;
    assay_status status = ASSAY_OK;
    if (fill_shelf(x, x_named, &p->x) && fill_shelf(y, false, &p->y) && p->x.width == p->y.width &&
        is_feasible(p)) {
        for (size_t i = 0; i < p->y.row_count; i++)
            p->y.rows[i]->name = (struct named_role){ROLE_UNKNOWN, -1, -1};
        for (size_t i = 0; i < p->y.column_count; i++)
            p->y.columns[i]->name = (struct named_role){ROLE_UNKNOWN, -1, -1};
        c->lent = true;
        status = solve(p, x_named, y);
    }
    turn_free(&p->turn);
    free(p);
    return status;
}
