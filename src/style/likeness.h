/* SPDX-License-Identifier: Apache-2.0 */
/*
 * likeness: every channel, every pair. In: a corpus. Out: per channel a matrix of how alike two
 * models are beyond how alike each is to everyone, raw and with length and layout taken out, for
 * the prompts as they are or drawn again by block. What can go wrong: memory.
 */
#ifndef STYLE_LIKENESS_H
#define STYLE_LIKENESS_H

#include "style/grams.h"
#include "style/profile.h"

enum style_channel {
    STYLE_WORDS,     /* words shared on the same prompt */
    STYLE_PHRASES,   /* rare runs of four words on the same prompt */
    STYLE_OPENINGS,  /* runs of three among the first twelve words */
    STYLE_FREQUENT,  /* rates of the most frequent words and marks, whatever was asked */
    STYLE_LENGTH,    /* lengths by prompt */
    STYLE_LAYOUT,    /* line ends, lists, headings, emphasis */
    STYLE_SENTENCES, /* rates of runs of three tokens with rarer words masked */
    STYLE_ODD,       /* rates of words in capitals and of signs beyond ASCII */
    STYLE_CHANNEL_COUNT,
};

extern const char *const style_channel_names[STYLE_CHANNEL_COUNT];

struct style_likeness {
    size_t models;
    float *grams[3];  /* sums of cosines by block, as grams.h has them */
    float *length;    /* sums of |difference of ln length|, by block and pair */
    uint16_t *shared; /* prompts that both answered, by block and pair */
    struct style_profile frequent, layout;
    struct style_profile sentences, odd; /* empty unless asked for */
};

/* `all`: also the channels that count in no score, sentences and odd signs; they need texts. */
ASSAY_MUST_USE assay_status style_likeness_make(const struct assay_context *context,
                                                const struct style_corpus *corpus, bool all,
                                                struct style_likeness *likeness,
                                                struct assay_error *error);
void style_likeness_free(struct style_likeness *likeness);

/* Each block of prompts once: the prompts as they are. */
extern const unsigned style_every_block[STYLE_BLOCKS];

/* Prompts that two models both answered. */
size_t style_likeness_shared(const struct style_likeness *likeness, size_t a, size_t b);

/*
 * Whether a model writes another language than the others, or none: of its words, not half as many
 * are frequent ones that most models use as of the words of the model that has the fewest.
 */
bool style_likeness_is_foreign(const struct style_likeness *likeness, size_t model);

/*
 * Each models x models, the diagonal 0; a pair without common prompts is 0: no evidence, and so is
 * all of a channel that was not made. From the
 * residual ones layout is taken out, and length, but for the frequent words: their rates are
 * shares of all words already, and the lengths that a teacher teaches are part of its style.
 */
struct style_matrices {
    double *raw[STYLE_CHANNEL_COUNT], *residual[STYLE_CHANNEL_COUNT];
    double *memory;
};

/* `times` says how often each block of prompts counts. */
ASSAY_MUST_USE bool style_likeness_at(const struct style_likeness *likeness,
                                      const unsigned times[STYLE_BLOCKS],
                                      struct style_matrices *matrices);
void style_matrices_free(struct style_matrices *matrices);

/* The plain mean cosine of words on the same prompts; NaN without any. For trees. */
void style_likeness_words(const struct style_likeness *likeness, const unsigned times[STYLE_BLOCKS],
                          double *matrix);

#endif
