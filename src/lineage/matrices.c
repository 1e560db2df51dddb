/* SPDX-License-Identifier: Apache-2.0 */
/* Which tensors can be evidence, and along which axes. */
#include "lineage/matrices.h"

#include "lineage/experts.h"
#include "lineage/trivial.h"

#include <string.h>

#define LEAST_ELEMENTS 64

/* ---- axes whose units are interchangeable -------------------------------------------- */

static uint64_t output_size(const struct matrix *m)
{
    return (m->input_first ? m->shape.in : m->shape.out / m->blocks);
}

static uint64_t input_size(const struct matrix *m)
{
    return m->input_first ? m->shape.out : m->shape.in;
}

/* Where names say nothing: a size is a hidden one if one tensor makes it and another takes it. */
static bool is_made(const struct matrices *all, const struct matrix *except, uint64_t size)
{
    for (size_t i = 0; i < all->count; i++)
        if (&all->list[i] != except && !all->list[i].ignored && output_size(&all->list[i]) == size)
            return true;
    return false;
}

static bool is_taken(const struct matrices *all, const struct matrix *except, uint64_t size)
{
    for (size_t i = 0; i < all->count; i++)
        if (&all->list[i] != except && !all->list[i].ignored &&
            all->list[i].tensor->use != ASSAY_USE_GATHER && input_size(&all->list[i]) == size)
            return true;
    return false;
}

static void set_by_role(struct matrix *m)
{
    bool *first = &m->testable[AXIS_FIRST], *second = &m->testable[AXIS_SECOND];
    switch (m->name.role) {
    case ROLE_GATE: /* feed-forward units and the residual stream, whichever comes first */
    case ROLE_UP:
    case ROLE_DOWN:
        *first = *second = true;
        break;
    case ROLE_EMBEDDING: /* rows are tokens, which are what they are */
    case ROLE_HEAD:
    case ROLE_ROUTER:
    case ROLE_POSITION:
    case ROLE_LATENT:
    case ROLE_Q: /* rows have rotary frequencies and belong to heads */
    case ROLE_K:
    case ROLE_V:
        *second = true;
        break;
    case ROLE_QKV:
        *second = m->shape.out >= m->shape.in;
        *first = !*second; /* GPT-2 stores it transposed */
        break;
    case ROLE_O:
        *first = strstr(m->tensor->name, "c_proj") == NULL; /* square, and transposed or not */
        break;
    default:
        break;
    }
}

static void set_by_size(const struct matrices *all, struct matrix *m)
{
    enum axis output = m->input_first ? AXIS_SECOND : AXIS_FIRST;
    enum axis input = m->input_first ? AXIS_FIRST : AXIS_SECOND;
    bool table = m->tensor->use == ASSAY_USE_GATHER;
    if (table) { /* rows are looked up: the second axis is what it makes */
        m->testable[AXIS_SECOND] = is_taken(all, m, m->shape.in);
        return;
    }
    m->testable[output] = is_taken(all, m, output_size(m));
    m->testable[input] = is_made(all, m, input_size(m));
    /*
     * Where a unit's vector is indexed by the same units (a recurrence, a residual branch), its
     * entry for itself singles out its number in any model: self-connections are special.
     */
    m->own_units = output_size(m) == input_size(m);
    if (m->own_units && m->blocks > 1)
        m->testable[AXIS_FIRST] = m->testable[AXIS_SECOND] = false;
}

/* ---- the list ------------------------------------------------------------------------ */

static bool recurrent(const struct assay_tensor *t)
{
    return t->use == ASSAY_USE_RECURRENT || strstr(t->name, "weight_ih") ||
           strstr(t->name, "weight_hh");
}

static void describe(struct matrix *m)
{
    const struct assay_tensor *t = m->tensor;
    m->name = role_of(t->name);
    m->blocks = 1;
    m->input_first = t->use == ASSAY_USE_MATMUL;
    uint64_t ratio = m->shape.out / m->shape.in;
    if (m->shape.out % m->shape.in == 0 && m->shape.inner == 1 && (ratio == 3 || ratio == 4) &&
        (recurrent(t) || m->name.role == ROLE_UNKNOWN) && !m->input_first)
        m->blocks = ratio; /* an unnamed [4h, h] may be the gates of a cell: never mix them */
    else if (recurrent(t) && m->shape.out % 4 == 0)
        m->blocks = 4;
    if (t->unreadable)
        m->ignored = t->unreadable;
    else if (m->name.role == ROLE_BUFFER)
        m->ignored = "its name says that it is a computed buffer";
    else if (t->elements < LEAST_ELEMENTS)
        m->ignored = "too small to tell anything";
}

struct looking {
    struct matrices *all;
    uint64_t *bytes_read;
};

static void look_at(void *data, size_t i)
{
    struct looking *l = data;
    struct matrix *m = &l->all->list[i];
    if (!m->ignored)
        m->ignored = trivial_reason(m->tensor, &l->bytes_read[i]);
}

static assay_status look_at_all(const struct assay_context *context, struct matrices *all,
                                struct assay_arena *arena, struct assay_error *error)
{
    struct looking l = {all, assay_arena_alloc(arena, all->count, sizeof(uint64_t))};
    if (!l.bytes_read)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    ASSAY_TRY(assay_parallel_for(context, NULL, all->count, look_at, &l, error));
    for (size_t i = 0; i < all->count; i++)
        all->bytes_read += l.bytes_read[i];
    return ASSAY_OK;
}

/* What may hold weights: signed bytes are a matrix whose rows' scales stand elsewhere, and units
 * are compared by direction. */
static bool may_be_weights(const struct assay_tensor *t)
{
    return assay_dtype_is_real(t->dtype) || t->dtype == ASSAY_DTYPE_OTHER ||
           t->dtype == ASSAY_DTYPE_I8;
}

/* Adds one tensor, if it is a matrix. */
static void list_tensor(struct matrices *all, const struct assay_tensor *t,
                        const struct named_role *name)
{
    struct matrix m = {.tensor = t};
    if (!may_be_weights(t) || !shape_of(m.tensor, &m.shape))
        return;
    describe(&m);
    if (name)
        m.name = *name;
    all->list[all->count++] = m;
}

/* Every tensor, and of those that hold all experts of a layer each expert's matrices. */
static bool list_tensors(const struct assay_checkpoint *c, struct assay_arena *arena,
                         struct matrices *all)
{
    struct expert_layout l;
    uint64_t width = experts_width(c);
    size_t room = c->count;
    for (size_t i = 0; i < c->count; i++)
        if (experts_layout(c, &c->tensors[i], width, &l))
            room += (size_t)(l.experts * l.parts);
    *all = (struct matrices){.list = assay_arena_alloc(arena, room, sizeof(struct matrix))};
    for (size_t i = 0; i < c->count && all->list; i++) {
        if (!experts_layout(c, &c->tensors[i], width, &l)) {
            list_tensor(all, &c->tensors[i], NULL);
            continue;
        }
        for (uint64_t k = 0; k < l.experts * l.parts; k++) {
            struct named_role name;
            const struct assay_tensor *view =
                experts_view(&c->tensors[i], &l, k / l.parts, k % l.parts, arena, &name);
            if (!view)
                return false;
            list_tensor(all, view, &name);
        }
    }
    return all->list != NULL;
}

assay_status matrices_list(const struct assay_checkpoint *checkpoint,
                           const struct assay_context *context, bool look,
                           struct assay_arena *arena, struct matrices *all,
                           struct assay_error *error)
{
    if (!list_tensors(checkpoint, arena, all))
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    if (look)
        ASSAY_TRY(look_at_all(context, all, arena, error));
    for (size_t i = 0; i < all->count; i++) {
        struct matrix *m = &all->list[i];
        if (m->ignored)
            continue;
        if (m->name.role == ROLE_UNKNOWN || m->name.role == ROLE_NORM)
            set_by_size(all, m);
        else
            set_by_role(m);
    }
    return ASSAY_OK;
}

void matrix_set_axes(struct matrix *m)
{
    m->testable[AXIS_FIRST] = m->testable[AXIS_SECOND] = m->own_units = false;
    m->blocks = 1;
    set_by_role(m);
}

uint64_t matrix_units(const struct matrix *m, enum axis axis)
{
    return axis == AXIS_FIRST ? m->shape.out : m->shape.in;
}

uint64_t matrix_width(const struct matrix *m, enum axis axis)
{
    return m->tensor->elements / matrix_units(m, axis);
}
