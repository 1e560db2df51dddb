/* SPDX-License-Identifier: Apache-2.0 */
/* A pickle as a tree. Every opcode makes at most one value, so the tree is no larger than the file.
 */
#include "formats/pickle.h"

#include <stdlib.h>
#include <string.h>

struct machine {
    const char *path;
    const unsigned char *file;
    uint64_t at, end, first;
    struct assay_arena *arena;
    struct pickle_value **stack; /* NULL stands for a mark */
    size_t depth, room;
    struct pickle_value **memo;
    size_t memo_room, memo_count;
    struct assay_error *error;
};

static assay_status refuse(struct machine *m, const char *what)
{
    return assay_error_at_offset(m->error, ASSAY_ERROR_INPUT, m->path, (long long)m->at, "%s",
                                 what);
}

static assay_status no_memory(struct machine *m)
{
    return assay_error_at(m->error, ASSAY_ERROR_MEMORY, m->path, 0, "out of memory");
}

/* ---- stack, memo, items -------------------------------------------------------------- */

static bool grow(struct pickle_value ***list, size_t *room, size_t wanted)
{
    size_t larger = *room ? *room : 256;
    while (larger <= wanted)
        larger *= 2;
    if (larger == *room)
        return true;
    struct pickle_value **list_larger = realloc(*list, larger * sizeof **list);
    if (!list_larger)
        return false;
    memset(list_larger + *room, 0, (larger - *room) * sizeof *list_larger);
    *list = list_larger;
    *room = larger;
    return true;
}

static assay_status push(struct machine *m, struct pickle_value *value)
{
    if (!grow(&m->stack, &m->room, m->depth + 1))
        return no_memory(m);
    m->stack[m->depth++] = value;
    return ASSAY_OK;
}

static assay_status push_new(struct machine *m, struct pickle_value value)
{
    struct pickle_value *made = assay_arena_alloc(m->arena, 1, sizeof *made);
    if (!made)
        return no_memory(m);
    *made = value;
    return push(m, made);
}

/* The value `down` from the top; NULL for a mark or an empty stack. */
static struct pickle_value *top(struct machine *m, size_t down)
{
    return m->depth > down ? m->stack[m->depth - 1 - down] : NULL;
}

static assay_status append(struct machine *m, struct pickle_value *to, struct pickle_value *value)
{
    struct pickle_item *item = assay_arena_alloc(m->arena, 1, sizeof *item);
    if (!item)
        return no_memory(m);
    item->value = value;
    if (to->last)
        to->last->next = item;
    else
        to->first = item;
    to->last = item;
    to->count++;
    return ASSAY_OK;
}

static assay_status remember(struct machine *m, uint64_t number)
{
    if (!top(m, 0) || number > m->end - m->first)
        return refuse(m, "a memo of nothing, or with a number beyond the pickle's length");
    if (!grow(&m->memo, &m->memo_room, (size_t)number + 1))
        return no_memory(m);
    m->memo[number] = top(m, 0);
    m->memo_count++;
    return ASSAY_OK;
}

static assay_status recall(struct machine *m, uint64_t number)
{
    if (number >= m->memo_room || !m->memo[number])
        return refuse(m, "recalls what was never remembered");
    return push(m, m->memo[number]);
}

/* All down to the last mark become items of `to`; the mark goes too. */
static assay_status collect(struct machine *m, struct pickle_value *to, size_t mark)
{
    for (size_t i = mark + 1; i < m->depth; i++)
        ASSAY_TRY(append(m, to, m->stack[i]));
    m->depth = mark;
    return ASSAY_OK;
}

static bool find_mark(struct machine *m, size_t *mark)
{
    for (size_t i = m->depth; i-- > 0;)
        if (!m->stack[i]) {
            *mark = i;
            return true;
        }
    return false;
}

static assay_status collection(struct machine *m, enum pickle_kind kind)
{
    size_t mark;
    struct pickle_value *made = assay_arena_alloc(m->arena, 1, sizeof *made);
    if (!made)
        return no_memory(m);
    made->kind = kind;
    if (!find_mark(m, &mark))
        return refuse(m, "a collection without a mark");
    ASSAY_TRY(collect(m, made, mark));
    return push(m, made);
}

static assay_status add_all(struct machine *m, enum pickle_kind kind)
{
    size_t mark;
    if (!find_mark(m, &mark) || mark == 0 || !m->stack[mark - 1])
        return refuse(m, "items for no collection");
    struct pickle_value *to = m->stack[mark - 1];
    if (to->kind == PICKLE_CALL) /* OrderedDict() */
        to->kind = kind;
    if (to->kind != kind || (kind == PICKLE_DICT && (m->depth - mark - 1) % 2))
        return refuse(m, "items for a value that is no such collection");
    return collect(m, to, mark);
}

/* The `count` topmost become a list. */
static assay_status tuple(struct machine *m, size_t count)
{
    struct pickle_value *made = assay_arena_alloc(m->arena, 1, sizeof *made);
    if (!made)
        return no_memory(m);
    made->kind = PICKLE_LIST;
    for (size_t i = count; i-- > 0;) {
        if (!top(m, i))
            return refuse(m, "a tuple of what is not there");
        ASSAY_TRY(append(m, made, top(m, i)));
    }
    m->depth -= count;
    return push(m, made);
}

/* ---- operands -----------------------------------------------------------------------------------
 */

static bool number(struct machine *m, int width, uint64_t *value)
{
    *value = 0;
    if (m->end - m->at < (uint64_t)width)
        return false;
    for (int i = 0; i < width; i++)
        *value |= (uint64_t)m->file[m->at++] << (8 * i);
    return true;
}

static assay_status text(struct machine *m, int width, enum pickle_kind kind)
{
    uint64_t size;
    if (!number(m, width, &size) || size > m->end - m->at)
        return refuse(m, "a text that reaches beyond the pickle");
    struct pickle_value value = {
        .kind = kind, .text = (const char *)m->file + m->at, .size = (size_t)size};
    m->at += size;
    return push_new(m, value);
}

static assay_status integer(struct machine *m, int width, bool is_signed)
{
    uint64_t value;
    if (!number(m, width, &value))
        return refuse(m, "the pickle ends within a number");
    int64_t whole = is_signed && width == 4 ? (int32_t)(uint32_t)value : (int64_t)value;
    return push_new(m, (struct pickle_value){.kind = PICKLE_INTEGER, .integer = whole});
}

/* LONG1: little-endian two's complement; more than 8 bytes is no size of a tensor. */
static assay_status long_integer(struct machine *m)
{
    uint64_t width, value;
    if (!number(m, 1, &width) || width > 8 || !number(m, (int)width, &value))
        return refuse(m, "a number of more than 64 bits, or cut short");
    if (width > 0 && width < 8 && value >> (8 * width - 1))
        value |= ~(uint64_t)0 << (8 * width);
    return push_new(m, (struct pickle_value){.kind = PICKLE_INTEGER, .integer = (int64_t)value});
}

/* ---- names and calls ----------------------------------------------------------------- */

/* What PyTorch's own files name. "*": everything in the module; nothing is ever called. */
static bool allowed(const char *name, size_t size)
{
    static const char *const names[] = {"torch._utils _rebuild_tensor_v2",
                                        "torch._utils _rebuild_tensor",
                                        "torch._utils _rebuild_tensor_v3",
                                        "torch.storage UntypedStorage",
                                        "torch._utils _rebuild_parameter",
                                        "collections OrderedDict",
                                        "torch Size",
                                        "torch device",
                                        "torch.jit._pickle build_intlist",
                                        "torch.jit._pickle build_tensorlist",
                                        "torch.jit._pickle build_doublelist",
                                        "torch.jit._pickle build_boollist",
                                        "torch.jit._pickle restore_type_tag"};
    /* types that a v3 tensor may state */
    static const char *const types[] = {
        "float16",         "float32",         "float64",        "bfloat16",        "int8",
        "int16",           "int32",           "int64",          "uint8",           "uint16",
        "uint32",          "uint64",          "bool",           "float8_e4m3fn",   "float8_e5m2",
        "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu", "float4_e2m1fn_x2"};
    static const char jit[] = "__torch__", storage[] = "Storage", torch[] = "torch ";
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strlen(names[i]) == size && memcmp(names[i], name, size) == 0)
            return true;
    if (size > sizeof jit && memcmp(name, jit, sizeof jit - 1) == 0)
        return true;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (size == sizeof torch - 1 + strlen(types[i]) &&
            memcmp(name, torch, sizeof torch - 1) == 0 &&
            memcmp(name + sizeof torch - 1, types[i], strlen(types[i])) == 0)
            return true;
    return size > sizeof torch + sizeof storage - 2 && memcmp(name, torch, sizeof torch - 1) == 0 &&
           memcmp(name + size - (sizeof storage - 1), storage, sizeof storage - 1) == 0;
}

static assay_status name(struct machine *m, const char *module, size_t module_size,
                         const char *word, size_t word_size)
{
    size_t size = module_size + 1 + word_size;
    char *joined = assay_arena_alloc(m->arena, size + 1, 1);
    if (!joined)
        return no_memory(m);
    memcpy(joined, module, module_size);
    joined[module_size] = ' ';
    memcpy(joined + module_size + 1, word, word_size);
    if (!allowed(joined, size))
        return assay_error_at_offset(m->error, ASSAY_ERROR_INPUT, m->path, (long long)m->at,
                                     "names \"%.80s\", which builds no tensor; nothing was run",
                                     joined);
    return push_new(m, (struct pickle_value){.kind = PICKLE_NAME, .text = joined, .size = size});
}

static bool line(struct machine *m, const char **start, size_t *size)
{
    *start = (const char *)m->file + m->at;
    const void *found = memchr(*start, '\n', (size_t)(m->end - m->at));
    if (!found)
        return false;
    *size = (size_t)((const char *)found - *start);
    m->at += *size + 1;
    return true;
}

static assay_status global(struct machine *m)
{
    const char *module, *word;
    size_t module_size, word_size;
    if (!line(m, &module, &module_size) || !line(m, &word, &word_size))
        return refuse(m, "a name that does not end");
    return name(m, module, module_size, word, word_size);
}

static assay_status stack_global(struct machine *m)
{
    struct pickle_value *module = top(m, 1), *word = top(m, 0);
    if (!module || !word || module->kind != PICKLE_TEXT || word->kind != PICKLE_TEXT)
        return refuse(m, "a name that is no text");
    m->depth -= 2;
    return name(m, module->text, module->size, word->text, word->size);
}

static assay_status call(struct machine *m)
{
    struct pickle_value *function = top(m, 1), *arguments = top(m, 0);
    struct pickle_value *made = assay_arena_alloc(m->arena, 1, sizeof *made);
    if (!made)
        return no_memory(m);
    if (!function || !arguments || function->kind != PICKLE_NAME || arguments->kind != PICKLE_LIST)
        return refuse(m, "a call of what is no function, or without arguments");
    made->kind = PICKLE_CALL;
    ASSAY_TRY(append(m, made, function));
    ASSAY_TRY(append(m, made, arguments));
    m->depth -= 2;
    return push(m, made);
}

static assay_status build(struct machine *m)
{
    struct pickle_value *object = top(m, 1), *state = top(m, 0);
    if (!object || !state)
        return refuse(m, "a state for no object");
    m->depth--;
    if (object->kind == PICKLE_CALL && object->count == 2)
        return append(m, object, state);
    return ASSAY_OK; /* attributes of a dictionary (a state_dict's _metadata) hold no tensor */
}

static assay_status persistent(struct machine *m)
{
    struct pickle_value *id = top(m, 0), *made = assay_arena_alloc(m->arena, 1, sizeof *made);
    if (!made)
        return no_memory(m);
    if (!id || id->kind != PICKLE_LIST)
        return refuse(m, "a storage that is no tuple");
    made->kind = PICKLE_STORAGE;
    ASSAY_TRY(append(m, made, id));
    m->stack[m->depth - 1] = made;
    return ASSAY_OK;
}

static assay_status set_item(struct machine *m)
{
    struct pickle_value *to = top(m, 2), *key = top(m, 1), *value = top(m, 0);
    if (!to || !key || !value)
        return refuse(m, "an item for no dictionary");
    if (to->kind == PICKLE_CALL)
        to->kind = PICKLE_DICT;
    if (to->kind != PICKLE_DICT)
        return refuse(m, "an item for what is no dictionary");
    ASSAY_TRY(append(m, to, key));
    ASSAY_TRY(append(m, to, value));
    m->depth -= 2;
    return ASSAY_OK;
}

static assay_status append_one(struct machine *m)
{
    struct pickle_value *to = top(m, 1), *value = top(m, 0);
    if (!to || !value || to->kind != PICKLE_LIST)
        return refuse(m, "an item for no list");
    m->depth--;
    return append(m, to, value);
}

/* ---- opcodes ------------------------------------------------------------------------- */

static assay_status skip(struct machine *m, uint64_t bytes, bool push_nothing)
{
    if (bytes > m->end - m->at)
        return refuse(m, "the pickle ends early");
    m->at += bytes;
    return push_nothing ? push_new(m, (struct pickle_value){0}) : ASSAY_OK;
}

static assay_status memo(struct machine *m, int width, bool put)
{
    uint64_t n;
    if (!number(m, width, &n))
        return refuse(m, "the pickle ends early");
    return put ? remember(m, n) : recall(m, n);
}

static assay_status step(struct machine *m, unsigned char opcode)
{
    switch (opcode) {
    case 0x80: /* PROTO */
        return skip(m, 1, false);
    case 0x95: /* FRAME */
        return skip(m, 8, false);
    case '(':
        return push(m, NULL);
    case 'c':
        return global(m);
    case 0x93:
        return stack_global(m);
    case 'q':
        return memo(m, 1, true);
    case 'r':
        return memo(m, 4, true);
    case 0x94: /* MEMOIZE */
        return remember(m, m->memo_count);
    case 'h':
        return memo(m, 1, false);
    case 'j':
        return memo(m, 4, false);
    case ')':
        return push_new(m, (struct pickle_value){.kind = PICKLE_LIST});
    case ']':
        return push_new(m, (struct pickle_value){.kind = PICKLE_LIST});
    case '}':
        return push_new(m, (struct pickle_value){.kind = PICKLE_DICT});
    case 't':
    case 'l':
        return collection(m, PICKLE_LIST);
    case 'd':
        return collection(m, PICKLE_DICT);
    case 0x85:
    case 0x86:
    case 0x87:
        return tuple(m, opcode - 0x84u);
    case 'a':
        return append_one(m);
    case 'e':
        return add_all(m, PICKLE_LIST);
    case 's':
        return set_item(m);
    case 'u':
        return add_all(m, PICKLE_DICT);
    case 'X':
        return text(m, 4, PICKLE_TEXT);
    case 0x8c:
        return text(m, 1, PICKLE_TEXT);
    case 0x8d:
        return text(m, 8, PICKLE_TEXT);
    case 'T':
    case 'B':
        return text(m, 4, PICKLE_TEXT);
    case 'U':
    case 'C':
        return text(m, 1, PICKLE_TEXT);
    case 'J':
        return integer(m, 4, true);
    case 'K':
        return integer(m, 1, false);
    case 'M':
        return integer(m, 2, false);
    case 0x8a:
        return long_integer(m);
    case 0x88:
    case 0x89:
        return push_new(m,
                        (struct pickle_value){.kind = PICKLE_INTEGER, .integer = opcode == 0x88});
    case 'N':
        return skip(m, 0, true);
    case 'G':
        return skip(m, 8, true);
    case 'Q':
        return persistent(m);
    case 'R':
    case 0x81: /* NEWOBJ */
        return call(m);
    case 'b':
        return build(m);
    default:
        return refuse(m, "an opcode that no file of tensors needs");
    }
}

assay_status pickle_read(const char *path, const unsigned char *file, uint64_t first, uint64_t size,
                         struct assay_arena *arena, struct pickle_value **root,
                         struct assay_error *error)
{
    struct machine m = {.path = path,
                        .file = file,
                        .at = first,
                        .first = first,
                        .end = first + size,
                        .arena = arena,
                        .error = error};
    assay_status status = ASSAY_OK;
    bool stopped = false;
    while (status == ASSAY_OK && !stopped) {
        if (m.at >= m.end)
            status = refuse(&m, "the pickle ends without a stop");
        else if (file[m.at] == '.')
            stopped = true;
        else {
            unsigned char opcode = file[m.at++];
            status = step(&m, opcode);
        }
    }
    if (status == ASSAY_OK && !top(&m, 0))
        status = refuse(&m, "the pickle leaves nothing");
    if (status == ASSAY_OK)
        *root = top(&m, 0);
    free(m.stack);
    free(m.memo);
    return status;
}

struct pickle_value *pickle_item(const struct pickle_value *value, size_t i)
{
    struct pickle_item *item = value ? value->first : NULL;
    for (; item && i > 0; i--)
        item = item->next;
    return item ? item->value : NULL;
}

bool pickle_is(const struct pickle_value *value, enum pickle_kind kind, const char *wanted)
{
    return value && value->kind == kind && strlen(wanted) == value->size &&
           memcmp(value->text, wanted, value->size) == 0;
}
