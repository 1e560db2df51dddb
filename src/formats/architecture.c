/* SPDX-License-Identifier: Apache-2.0 */
/* Architectures: defaults, what cannot exist, and how many weights there are. */
#include <assay/formats.h>

#include <string.h>

/* What most models published since 2023 have. */
void assay_architecture_default(struct assay_architecture *architecture)
{
    memset(architecture, 0, sizeof *architecture);
    architecture->attention = ASSAY_ATTENTION_GROUPED;
    architecture->norm = ASSAY_NORM_RMS;
    architecture->norms_per_layer = 2;
    architecture->final_norm = true;
    architecture->gated = true;
    architecture->moe_every = 1;
}

bool assay_architecture_is_moe(const struct assay_architecture *a, int64_t i)
{
    return a->experts > 0 && i >= a->dense_first && (i - a->dense_first) % a->moe_every == 0;
}

int64_t assay_architecture_moe_layers(const struct assay_architecture *a)
{
    if (a->experts == 0 || a->dense_first >= a->layers)
        return 0;
    return (a->layers - a->dense_first + a->moe_every - 1) / a->moe_every;
}

/* ---- what cannot exist -------------------------------------------------------------------- */

/* A count with its name, least and most. */
struct bound {
    const char *name;
    int64_t value, least, most;
};

static assay_status check_bounds(const struct bound *bounds, size_t n, const char *file, long line,
                                 struct assay_error *error)
{
    for (size_t i = 0; i < n; i++)
        if (bounds[i].value < bounds[i].least || bounds[i].value > bounds[i].most)
            return assay_error_at(error, ASSAY_ERROR_INPUT, file, line,
                                  "%s is %lld, expected from %lld to %lld", bounds[i].name,
                                  (long long)bounds[i].value, (long long)bounds[i].least,
                                  (long long)bounds[i].most);
    return ASSAY_OK;
}

/*
 * Limits under which every product of assay_architecture_count stays below 2^63: widths and the
 * vocabulary below 2^24, layers below 2^14, and experts below 2^14 with widths below 2^20.
 */
assay_status assay_architecture_check(const struct assay_architecture *a, const char *file,
                                      long line, struct assay_error *error)
{
    const int64_t width = (int64_t)1 << 20, many = (int64_t)1 << 14, table = (int64_t)1 << 24;
    bool latent = a->attention == ASSAY_ATTENTION_LATENT, moe = a->experts > 0;
    const struct bound bounds[] = {
        {"layers", a->layers, 1, many},
        {"hidden", a->hidden, 1, width},
        {"vocabulary", a->vocabulary, 1, table},
        {"positions", a->positions, 0, table},
        {"heads", a->heads, 1, many},
        {"kv_heads", a->kv_heads, 1, many},
        {"head_dim", a->head_dim, latent ? 0 : 1, many},
        {"q_rank", a->q_rank, 0, latent ? width : 0},
        {"kv_rank", a->kv_rank, latent, latent ? width : 0},
        {"nope_dim", a->nope_dim, latent, latent ? many : 0},
        {"rope_dim", a->rope_dim, 0, latent ? many : 0},
        {"value_dim", a->value_dim, latent, latent ? many : 0},
        {"window", a->window, 0, (int64_t)1 << 40},
        {"dense_first", a->dense_first, 0, a->layers},
        {"moe_every", a->moe_every, 1, many},
        {"experts", a->experts, 0, many},
        {"experts_active", a->experts_active, moe, moe ? a->experts : 0},
        {"expert_ffn", a->expert_ffn, moe, moe ? width : 0},
        {"shared_ffn", a->shared_ffn, 0, moe ? width : 0},
        {"expert_groups", a->expert_groups, 0, moe ? a->experts : 0},
        {"groups_active", a->groups_active, 0, moe ? a->experts : 0},
        {"mtp_layers", a->mtp_layers, 0, 64},
        {"norms_per_layer", a->norms_per_layer, 0, 8},
    };
    ASSAY_TRY(check_bounds(bounds, sizeof bounds / sizeof bounds[0], file, line, error));
    bool dense = assay_architecture_moe_layers(a) < a->layers;
    const struct bound ffn = {"ffn", a->ffn, dense, width};
    ASSAY_TRY(check_bounds(&ffn, 1, file, line, error));
    if (!latent && a->heads % a->kv_heads != 0)
        return assay_error_at(error, ASSAY_ERROR_INPUT, file, line,
                              "kv_heads %lld does not divide heads %lld", (long long)a->kv_heads,
                              (long long)a->heads);
    if (latent && a->kv_heads != a->heads)
        return assay_error_at(error, ASSAY_ERROR_INPUT, file, line,
                              "latent attention has as many kv_heads as heads: found %lld and %lld",
                              (long long)a->kv_heads, (long long)a->heads);
    if (a->expert_groups > 1 && (a->groups_active < 1 || a->groups_active > a->expert_groups ||
                                 a->experts % a->expert_groups != 0))
        return assay_error_at(error, ASSAY_ERROR_INPUT, file, line,
                              "routing among %lld groups of which %lld are visited does not fit "
                              "%lld experts",
                              (long long)a->expert_groups, (long long)a->groups_active,
                              (long long)a->experts);
    return ASSAY_OK;
}

/* ---- counting ------------------------------------------------------------------------------ */

/* Weights of one norm over `width` numbers. */
static int64_t norm_weights(const struct assay_architecture *a, int64_t width)
{
    static const int64_t vectors[] = {
        [ASSAY_NORM_RMS] = 1, [ASSAY_NORM_LAYER] = 2, [ASSAY_NORM_NONE] = 0};
    return vectors[a->norm] * width;
}

static int64_t attention_weights(const struct assay_architecture *a)
{
    int64_t h = a->hidden, q, k, v, out;
    if (a->attention == ASSAY_ATTENTION_LATENT) { /* arXiv 2405.04434, equations 37 to 47 */
        int64_t qk = a->nope_dim + a->rope_dim;
        q = a->q_rank > 0 ? h * a->q_rank + norm_weights(a, a->q_rank) + a->q_rank * a->heads * qk
                          : h * a->heads * qk;
        k = h * (a->kv_rank + a->rope_dim) + norm_weights(a, a->kv_rank);
        v = a->kv_rank * a->heads * (a->nope_dim + a->value_dim);
        out = a->heads * a->value_dim * h;
        int64_t bias = a->qkv_bias ? a->q_rank + a->kv_rank + a->rope_dim : 0;
        return q + k + v + out + bias + (a->out_bias ? h : 0);
    }
    int64_t queries = a->heads * a->head_dim, keys = a->kv_heads * a->head_dim;
    int64_t norms = 0;
    if (a->qk_norm_full)
        norms = norm_weights(a, queries) + norm_weights(a, keys);
    else if (a->qk_norm)
        norms = 2 * norm_weights(a, a->head_dim);
    return h * (queries + 2 * keys) + queries * h + norms + (a->qkv_bias ? queries + 2 * keys : 0) +
           (a->out_bias ? h : 0);
}

static int64_t feed_forward_weights(const struct assay_architecture *a, int64_t width)
{
    int64_t matrices = a->gated ? 3 : 2;
    return matrices * a->hidden * width + (a->mlp_bias ? (matrices - 1) * width + a->hidden : 0);
}

void assay_architecture_count(const struct assay_architecture *a,
                              struct assay_parameters *parameters)
{
    int64_t moe = assay_architecture_moe_layers(a), dense = a->layers - moe, h = a->hidden;
    int64_t attention = attention_weights(a), norms = a->norms_per_layer * norm_weights(a, h);
    int64_t expert = moe ? feed_forward_weights(a, a->expert_ffn) : 0;
    int64_t shared = moe && a->shared_ffn
                         ? feed_forward_weights(a, a->shared_ffn) + (a->shared_gate ? h : 0)
                         : 0;
    int64_t router = moe ? a->experts * h + (a->router_bias ? a->experts : 0) : 0;
    struct assay_parameters p = {
        .embedding = (a->vocabulary + a->positions) * h,
        .head = (a->tied ? 0 : a->vocabulary * h) + (a->head_bias ? a->vocabulary : 0),
        .attention = a->layers * attention,
        .dense_mlp = dense ? dense * feed_forward_weights(a, a->ffn) : 0,
        .experts = moe * a->experts * expert,
        .shared = moe * shared,
        .router = moe * router,
        .norms = a->layers * norms + (a->final_norm ? norm_weights(a, h) : 0),
    };
    p.total = p.embedding + p.head + p.attention + p.dense_mlp + p.experts + p.shared + p.router +
              p.norms;
    p.active = p.total - moe * (a->experts - a->experts_active) * expert;
    p.active_without_embedding = p.active - p.embedding;
    if (a->mtp_layers) /* a layer, two norms, a projection of two streams into one, a last norm */
        p.mtp = a->mtp_layers *
                (attention + norms + 3 * norm_weights(a, h) + 2 * h * h +
                 (moe ? a->experts * expert + shared + router : feed_forward_weights(a, a->ffn)));
    *parameters = p;
}
