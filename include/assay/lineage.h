/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lineage: was one checkpoint made from another, or both from a third, and what was done in
 * between?
 *
 * The core is a test that needs no reference models. Take the hidden units of a layer in A and,
 * for each, the unit of B that is most like it (cosine). Networks that were made independently
 * have no reason to number their units alike: training is indifferent to the order of hidden
 * units, so given everything else the numbering of B's units is uniform over all orders, and
 *     P(at least k of n units find their own number among m) <= C(n,k) (m-k)! / m!
 *     P(an increasing run of k or more)                      <= C(n,k) / k!
 * hold exactly, whatever the weights are (a union over k-subsets, each of probability at most
 * (m-k)!/m!, or 1/k!). Only axes whose units are interchangeable are tested: not vocabularies,
 * classes, positions, input channels, rotary dimensions. Tests are put together by Bonferroni,
 * for they share units; the family is counted in the result.
 *
 * What the exactness costs: someone who permutes B's units, or who trains both from one seed, or
 * who builds an independent model to match A's numbering, defeats it in one direction or the
 * other. The stages say which.
 */
#ifndef ASSAY_LINEAGE_H
#define ASSAY_LINEAGE_H

#include <assay/checkpoint.h>
#include <assay/finding.h>
#include <assay/sketch.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Versions of methods, as in their findings: they change when the numbers could. */
#define ASSAY_LINEAGE_COMPARE_VERSION "3" /* of the method lineage.compare */
#define ASSAY_LINEAGE_STAGES_VERSION "3"  /* of the method lineage.stages */

struct assay_lineage_settings {
    size_t most_units;       /* of A compared per axis, 16 to 65536; default 512; fewer, but no
                                fewer than 64, where there are very many to compare them with */
    size_t most_coordinates; /* of a unit's vector that are read, 16 to 131072; default 2048;
                                fewer, but no fewer than 512, likewise */
    bool quick; /* related or not from a few dozen units alone, the same numbers on both sides, and
                   no further once one test is below 10^-30; default false */
    size_t most_pairs; /* tensor pairs compared at most, 1 to 100000; default 2000 */
};

ASSAY_API struct assay_lineage_settings assay_lineage_settings_default(void);

/* One axis of one tensor in A against one in B. */
struct assay_lineage_match {
    const char *a, *b;  /* tensor names */
    const char *axis;   /* "first", "second" or "units": what was matched */
    size_t units_a;     /* compared */
    size_t units_b;     /* that they could match */
    size_t fixed;       /* that found their own number */
    size_t increasing;  /* longest increasing run of numbers found */
    size_t agreeing;    /* whose gate, up and down find one unit; 0 where not looked at */
    double cosine;      /* mean, of units with the same number; NaN where numbers differ in count */
    double log10_p;     /* of this axis, its own parts corrected for */
    bool exact;         /* log10_p needs no assumption but that units are interchangeable */
    const char *method; /* "as numbered", "after renumbering the residual stream, ...", ... */
};

/* What was found to have been done between A and B. */
struct assay_lineage_relation {
    const char *kind; /* identical, quantised, fine-tuned, continued-training,
                         shared-initialisation, low-rank, pruned, permuted, rotated, rescaled,
                         heads-permuted, heads-mixed, experts-permuted, layers-dropped,
                         layers-duplicated, layers-reordered, layers-replaced, upcycled, related
                         (where more was not looked for); a literal. fine-tuned,
                         continued-training and shared-initialisation go by the cosine alone until
                         assay_lineage_refine_stages, which a shared seed can deceive */
    const char *note; /* a sentence with the numbers */
    double share;     /* of compared weights that it covers, 0 to 1 */
    double rank;      /* of the difference, for low-rank; else NaN */
};

/* A stage of development, and whether the two share it. */
struct assay_lineage_stage {
    const char *stage; /* architecture, initialisation, training, tuning */
    double log10_p;    /* NaN where there is no test */
    double log10_lr;   /* NaN likewise; shared against not shared */
    bool exact;        /* the p-value holds without a calibrated assumption */
    const char *note;
};

struct assay_lineage_ignored {
    const char *tensor;
    const char *in; /* "A", "B" or "both" */
    const char *reason;
};

enum assay_lineage_direction {
    ASSAY_DIRECTION_UNKNOWN,
    ASSAY_DIRECTION_A_TO_B,
    ASSAY_DIRECTION_B_TO_A,
};

struct assay_lineage_comparison {
    double log10_p;  /* that independent models look so related; 0 if nothing could be tested */
    double log10_lr; /* related against independent, by the calibrator 1/(2 sqrt p) of Vovk and
                        Wang, "E-values", Annals of Statistics 2021: never exaggerated. Evidence
                        that is not exact counts for 2.1 at most: none of 462 pairs of models
                        trained apart had any (docs/lineage.md), so below 1 in 125 at 95% */
    bool exact;      /* log10_p rests on an exact test */
    size_t tests;    /* in the Bonferroni family */
    const struct assay_lineage_match *matches;
    size_t match_count;
    const struct assay_lineage_relation *relations;
    size_t relation_count;
    const struct assay_lineage_stage *stages;
    size_t stage_count;
    const struct assay_lineage_ignored *ignored;
    size_t ignored_count;
    enum assay_lineage_direction direction;
    const char *direction_note;
    double
        direction_log10_lr; /* that B was made from A against A from B; NaN where there is no
                               number (a direction that rounding or leaving out gives has none) */
    const char *const *limits;
    size_t limit_count;
    /* where disguises were looked behind and neither side has over 256 layers with a feed-forward
       part; else NULL and 0: share of units of a layer of A found in one of B (by number, by order
       or by gate, up and down finding the same; the most of any two experts), [of A][of B] */
    const double *layers_found;
    const char *const *layers_a, *const *layers_b; /* layers; tensors if names were hidden */
    size_t layer_count_a, layer_count_b;
    double equal_share;  /* of weights compared element by element, bit-equal as float32 */
    double cosine;       /* over all those weights */
    uint64_t bytes_read; /* of both files, decoded for the comparison */
    double seconds;
    struct assay_arena *arena;
};

/*
 * Compares two open checkpoints. Where no axis of interchangeable units is common to both, the
 * answer is a p of 1 from 0 tests. ASSAY_ERROR_INPUT for settings out of range. Free the result
 * with assay_lineage_comparison_free; it does not need the checkpoints.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_lineage_compare(
    const struct assay_checkpoint *a, const struct assay_checkpoint *b,
    const struct assay_lineage_settings *settings, const struct assay_context *context,
    struct assay_lineage_comparison *comparison, struct assay_error *error);
ASSAY_API void assay_lineage_comparison_free(struct assay_lineage_comparison *comparison);

/* ---- stages -------------------------------------------------------------------------------- */

/* What a comparison of two files does not hold; any may be NULL. */
struct assay_stage_sources {
    const struct assay_checkpoint *base; /* that both may have been tuned from */
    const struct assay_vocabulary *vocabulary_a, *vocabulary_b; /* pieces by embedding row */
    const char *pairs; /* stage_pairs.csv: pairs of known history, for likelihood ratios */
};

/*
 * Adds the stage "embedding" to a comparison of `a` and `b`, the exact test on columns of shared
 * tokens' embeddings, and gives "pre-training", "tuning" and the direction likelihood ratios where
 * they can be had: from norms' gains, from differences from a common base, from which side is
 * longer, against pairs of small models whose history is known. No ratio goes beyond the number of
 * groups of those. Where "pre-training" speaks for shared training or against it by 10^0.5, the
 * relation is renamed after that (fine-tuned, continued-training; shared-initialisation). Errors:
 * of reading `pairs`; out of memory. Call it once.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_lineage_refine_stages(
    struct assay_lineage_comparison *comparison, const struct assay_checkpoint *a,
    const struct assay_checkpoint *b, const struct assay_stage_sources *sources,
    const struct assay_context *context, struct assay_error *error);

/*
 * The comparison as a finding. `path` is a YAML file with two keys, `first` and `second`: the
 * checkpoints, relative to it. Two hypotheses: the weights have a common origin, or they were made
 * independently. The likelihood ratio between them lies between two published bounds on what a
 * p-value is worth: 1/(2 sqrt p), and -1/(e p ln p) (Sellke, Bayarri and Berger, American
 * Statistician 2001), which no unimodal alternative exceeds. `pairs` is stage_pairs.csv or NULL:
 * it decides how far training is said to be shared. Errors: of reading any file.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_lineage_finding(const char *path, const char *pairs,
                                                            const struct assay_context *context,
                                                            struct assay_finding *finding,
                                                            struct assay_error *error);

/* ---- sketches ------------------------------------------------------------------------------ */

/*
 * A checkpoint's sketch: of a transformer known by its tensors' names the residual stream in the
 * embedding, hidden units of five layers and the residual stream in two; of other models up to
 * eight axes of interchangeable units, evenly spread. Tensors that a formula made are passed over.
 * Reads some thousand pages of the file. `name` is copied, cut to what fits.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_lineage_sketch(
    const struct assay_checkpoint *checkpoint, const char *name,
    const struct assay_context *context, struct assay_sketch *sketch, struct assay_error *error);

struct assay_sketch_likeness {
    double log10_p;      /* that independent models' sketches are so alike; 0 without a test */
    size_t tests;        /* pairs of axes of one role and shape, corrected for */
    size_t fixed, units; /* of the pair that is most alike: units that found their own number */
    const char *role;    /* of that pair; static or the first sketch's; NULL without a test */
    int32_t layer_a, layer_b;
};

/*
 * Every axis of `a` against every one of `b` with the same role and shape: for each unit of a the
 * unit of b that differs in the fewest signs, the exact test on numbers and order as for weights.
 * Given all else, an independent model's units stand in any order, so those that were sampled do:
 * the p-value holds whatever the signs are. Not seen: what renumbers or turns units, what changes
 * their number, and what keeps less than about a fifth of their direction.
 */
ASSAY_API struct assay_sketch_likeness assay_lineage_sketches_compare(const struct assay_sketch *a,
                                                                      const struct assay_sketch *b);

/*
 * The stages as a finding. `path` is such a YAML file, which may have `base` too; `pairs` is
 * stage_pairs.csv. Three hypotheses: trained together, one initialisation but trained apart, made
 * independently. Between the first two lies what norms' gains are worth, from one seed with other
 * data to one seed with like data, which is the interval. Errors: of reading any file.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_lineage_stages_finding(
    const char *path, const char *pairs, const struct assay_context *context,
    struct assay_finding *finding, struct assay_error *error);

/* What a pair of the table shares. */
enum assay_stage_truth {
    ASSAY_STAGE_TOGETHER, /* training */
    ASSAY_STAGE_SEED,     /* an initialisation, and no training */
    ASSAY_STAGE_NOTHING,
    ASSAY_STAGE_TRUTHS
};

/* One pair of known history, weighed as lineage.stages would weigh it. */
struct assay_simulated_stage {
    enum assay_stage_truth truth;
    bool related;                   /* the exact test would find it so */
    struct assay_weight weights[3]; /* by truth, in the finding's names; of unrelated ones the last
                                       is left to assay_lineage_weigh_unrelated */
};

struct assay_simulated_stages {
    const struct assay_simulated_stage *pairs;
    size_t count;
    struct assay_arena *arena;
};

/*
 * Every pair of stage_pairs.csv, weighed by the other groups of it: small models that were trained
 * in known ways, and what the instrument says of them without having seen their group. Related
 * ones have the ratio of 10^60 against independent making that the weakest of 10,000 disguised
 * pairs had (docs/lineage.md). Free with assay_simulated_stages_free.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_lineage_simulate_stages(
    const char *pairs, struct assay_simulated_stages *stages, struct assay_error *error);
ASSAY_API void assay_simulated_stages_free(struct assay_simulated_stages *stages);

/*
 * What lineage.stages says of two independent models whose test happens to have a p of 10^log10_p:
 * with the calibrator 1/(2 sqrt p) for being related.
 */
ASSAY_API void assay_lineage_weigh_unrelated(double log10_p, struct assay_weight weights[3]);

/* ---- merges ---------------------------------------------------------------------------- */

#define ASSAY_LINEAGE_MOST_PARENTS 8

enum assay_lineage_merge_kind {
    ASSAY_MERGE_NONE,    /* less than a tenth of the child is explained, or no share counts */
    ASSAY_MERGE_ONE,     /* one parent's share counts */
    ASSAY_MERGE_KIN,     /* several parents' shares count (their intervals lie above 0.05), but the
                            child does not lie between them: a shared ancestor does as much */
    ASSAY_MERGE_MERGED,  /* several count, and the child lies between two of them */
    ASSAY_MERGE_STACKED, /* every layer comes from one parent, not all from the same */
};

struct assay_lineage_merge_parent {
    const char *path;
    struct assay_interval share; /* weight in the sum, 0 or more; 80% of draws of tensors */
};

struct assay_lineage_merge_layer {
    const char *layer; /* its number in the tensors' names; "" for those outside layers */
    double shares[ASSAY_LINEAGE_MOST_PARENTS];
    double explained;
};

struct assay_lineage_merge {
    enum assay_lineage_merge_kind kind;
    const char *note; /* a sentence */
    double explained; /* of the child's squared weights, 0 to 1, each matrix weighing the same */
    struct assay_lineage_merge_parent *parents;
    size_t parent_count;
    struct assay_lineage_merge_layer *layers;
    size_t layer_count;
    size_t tensors;       /* matrices that all files have */
    uint64_t coordinates; /* of each that were read */
    const char *const *limits;
    size_t limit_count;
    struct assay_arena *arena;
};

/*
 * In what shares `child` is made of 1 to 8 `parents`: non-negative least squares (Lawson and
 * Hanson 1974, chapter 23) of its matrices on theirs, on an even sample of values. Norms and
 * biases are left out, for they are alike in models that have nothing in common. A child of the
 * parents' own ancestor gets shares of them as well; but a sum lies between its parents: for two of
 * them the product of its differences from one and the other is negative, which branches of a tree
 * cannot be (80% of draws of tensors decide). `context` may be NULL. ASSAY_ERROR_UNANSWERABLE where
 * no matrix has one name and shape in all. Free the result with assay_lineage_merge_free.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_lineage_merge_find(
    const struct assay_checkpoint *child, const struct assay_checkpoint *const *parents,
    size_t count, const struct assay_context *context, struct assay_lineage_merge *merge,
    struct assay_error *error);
ASSAY_API void assay_lineage_merge_free(struct assay_lineage_merge *merge);

/* ---- configurations ---------------------------------------------------------------------- */

enum assay_configuration_key {
    ASSAY_KEY_LAYERS,
    ASSAY_KEY_WIDTH,
    ASSAY_KEY_HEADS,
    ASSAY_KEY_KV_HEADS,
    ASSAY_KEY_FFN,
    ASSAY_KEY_VOCABULARY,
    ASSAY_KEY_CONTEXT,
    ASSAY_KEY_ROPE_THETA,
    ASSAY_KEY_NORM_EPS,
    ASSAY_KEY_TIED, /* 1 or 0 */
    ASSAY_KEY_COUNT
};

/* As models.csv calls it: "layers", "width", ... */
ASSAY_API const char *assay_configuration_key_name(enum assay_configuration_key key);

struct assay_configuration {
    double value[ASSAY_KEY_COUNT]; /* NaN: not known */
};

/*
 * What is known of a model's configuration: from `path` if it is a config.json or a folder with
 * one, or from the config.json beside it, else from `checkpoint` (may be NULL): a GGUF file's
 * keys, then names and shapes of tensors. Where nothing is known all are NaN. Errors: of reading
 * a config.json that is there.
 */
ASSAY_API ASSAY_MUST_USE assay_status
assay_configuration_read(const char *path, const struct assay_checkpoint *checkpoint,
                         struct assay_configuration *configuration, struct assay_error *error);

struct assay_configuration_likeness {
    struct {
        bool known, equal; /* by both */
        size_t families;   /* of public models with A's value; of `stated` */
        size_t stated;     /* families that state this key */
    } keys[ASSAY_KEY_COUNT];
    size_t known, equal;
    size_t families; /* in the table */
    size_t alike;    /* of them, with a model that has all of A's known and shared values */
    double log10_lr; /* (families + 1) / (alike + 1), that a model made apart has the same by
                        chance; NaN where they differ or fewer than four keys are known */
};

/*
 * How alike two configurations are and how common that is among public models: `models` is
 * models.csv. The ratio is not above families + 1; who copies a public recipe on purpose is not
 * in it. Errors: of reading the table; ASSAY_ERROR_INPUT without its columns.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_configurations_compare(
    const struct assay_configuration *a, const struct assay_configuration *b, const char *models,
    struct assay_configuration_likeness *likeness, struct assay_error *error);

/* ---- what a checkpoint is ------------------------------------------------------------------ */

struct assay_checkpoint_summary {
    char family[64];         /* "llama", "llama or kin", ...; "" where nothing tells */
    const char *family_from; /* "config.json", "its GGUF key", "names"; NULL */
    struct assay_configuration configuration; /* with heads where tensors tell them */
    uint64_t experts;                         /* of a layer; 0: none seen */
    uint64_t parameters;      /* elements of real tensors that are no computed buffers */
    bool by_shape;            /* names tell nothing: roles are what shapes allow */
    const char *const *roles; /* one a tensor, in its order: "q", "gate or up", "unknown", ... */
    struct assay_arena *arena;
};

/*
 * Describes a checkpoint that was opened at `path` (a config.json in that folder or beside the
 * file counts). Errors: of reading that config.json; out of memory. Free with
 * assay_checkpoint_summary_free.
 */
ASSAY_API ASSAY_MUST_USE assay_status
assay_checkpoint_summarise(const char *path, const struct assay_checkpoint *checkpoint,
                           struct assay_checkpoint_summary *summary, struct assay_error *error);
ASSAY_API void assay_checkpoint_summary_free(struct assay_checkpoint_summary *summary);

/* ---- tokenizers ---------------------------------------------------------------------------- */

/* What two vocabularies have in common. Tokenizers are often public: sharing one says little of
 * weights, and there is no p-value. */
struct assay_tokenizer_likeness {
    size_t count_a, count_b, shared; /* pieces; shared: with the same bytes */
    double jaccard;                  /* shared over all different ones */
    size_t same_number;              /* shared pieces with one number */
    int64_t shift;                   /* the most frequent difference of numbers, B's less A's */
    size_t shifted;                  /* shared pieces with just that difference */
    double order;                    /* Spearman's rank correlation of shared pieces' numbers */
    size_t merges_shared;
    double merge_order; /* of shared merges' ranks; NaN without */
    const char *note;   /* a sentence; static */
};

ASSAY_API ASSAY_MUST_USE assay_status
assay_lineage_tokenizers(const struct assay_vocabulary *a, const struct assay_vocabulary *b,
                         struct assay_tokenizer_likeness *likeness, struct assay_error *error);

#define ASSAY_ODD_EXAMPLES 12

/* Pieces that two vocabularies share and none of some others has. */
struct assay_odd_pieces {
    size_t count;
    double share;         /* of the smaller vocabulary */
    size_t pairs, as_odd; /* of the others; those that share as many among the rest */
    double p;             /* (1 + as_odd) / (1 + pairs); NaN with fewer than two others */
    struct assay_piece examples[ASSAY_ODD_EXAMPLES]; /* bytes in A's vocabulary */
    size_t shown;
};

/*
 * `others`: vocabularies that are known to be neither A's nor B's, at most a few dozen, for each
 * two of them are compared. The p-value holds if A and B are no more akin than any two of the
 * others; where some of those are kin to each other, it errs on the safe side.
 */
ASSAY_API ASSAY_MUST_USE assay_status
assay_lineage_odd_pieces(const struct assay_vocabulary *a, const struct assay_vocabulary *b,
                         const struct assay_vocabulary *others, size_t count,
                         struct assay_odd_pieces *odd, struct assay_error *error);

/* ---- disguises ---------------------------------------------------------------------------- */

/*
 * What to do to a checkpoint, in the order of the fields: any of them together. Those about layers,
 * units, heads and the residual stream need a transformer with the tensors of Llama, under any of
 * its usual names. Rescaling, permuting, mixing and turning keep the model's function.
 */
struct assay_disguise {
    const struct assay_checkpoint *merge_with; /* with the same tensors; NULL: none */
    double merge_share;                        /* of it in the sum, 0 to 1; default 0.5 */
    bool merge_stacked;      /* instead: the last `merge_share` of layers are its */
    const char *drop_layers; /* "1,3": layers left out, the rest renumbered; NULL: none */
    const char *layers;      /* "0,2,1,1": these layers in this order; NULL: as they are */
    double prune;            /* share of feed-forward units taken out, the weakest; 0 to 0.9 */
    double tune;             /* size of an imitated fine-tuning to that of each matrix; 0 to 100 */
    unsigned lora;           /* rank of what is added to attention and feed-forward matrices, a
                                tenth of their length; 0 to 64 */
    unsigned experts;        /* every feed-forward part that many times over, with a router */
    bool rescale;            /* feed-forward units scaled and some negated */
    bool permute;            /* feed-forward units, experts and the residual stream renumbered */
    bool permute_heads;      /* groups of attention heads renumbered, and queries within them */
    bool mix_heads;          /* values of a group mixed by an invertible matrix, which its output
                                undoes; rotary pairs of queries and keys turned and scaled */
    unsigned heads;          /* of attention; 0: from the configuration */
    unsigned kv_heads;       /* of keys and values; 0: as many */
    bool rotate;             /* the residual stream turned, norms folded into the weights */
    double noise;            /* normal, in standard deviations of each matrix; 0 to 100 */
    const char *quantise;    /* "f16", "bf16", "q8_0", "q4_0": the grid; NULL: none */
    bool rename;             /* tensors named t0000, t0001, ..., in a shuffled order */
    uint64_t seed;
};

/* Nothing at all. A struct of zeros is as good where nothing is merged. */
ASSAY_API struct assay_disguise assay_disguise_default(void);

/*
 * Writes a disguised copy as safetensors (float32; F16 and BF16 as such), with notes of what was
 * done and of numbers of heads, layers and experts. ASSAY_ERROR_UNSUPPORTED where the tensors that
 * a step needs are not there, ASSAY_ERROR_INPUT for values out of range.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_lineage_disguise(
    const struct assay_checkpoint *checkpoint, const struct assay_disguise *disguise,
    const char *path, struct assay_error *error);

/* log10 of the bounds above; 0 (certain) where k is 0. k <= n <= m. */
ASSAY_API double assay_lineage_fixed_tail(size_t k, size_t n, size_t m);
ASSAY_API double assay_lineage_increasing_tail(size_t k, size_t n);

/*
 * log10 of a bound on P(parts of k or more of n units agree on one unit of m) where each unit is,
 * apart from the others, with probability `universal` one that every network has, whose parts
 * agree, and the rest agree by chance: the sum over j of P(j of n are universal) times
 * C(n,k-j)(m-k+j)!/m!. `universal` is an assumption, measured in docs/lineage.md. k <= n <= m.
 */
ASSAY_API double assay_lineage_agreement_tail(size_t k, size_t n, size_t m, double universal);

#ifdef __cplusplus
}
#endif
#endif
