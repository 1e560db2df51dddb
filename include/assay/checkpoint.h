/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checkpoint: the weights of a model as a list of named tensors, whatever file they stand in:
 * safetensors (one file, or shards by their index.json or their names), GGUF version 2 and 3, ONNX,
 * a PyTorch zip (.pt, .pth, .bin, TorchScript .jit) and llama2.c's .bin.
 *
 * Files are mapped, never read whole; a tensor's bytes point into the mapping. No file is
 * trusted: every count, offset and product is checked against the file's size before use, and
 * no allocation is larger than the file justifies. A pickle is never run: the few opcodes that
 * build tensors are understood, anything else is refused.
 */
#ifndef ASSAY_CHECKPOINT_H
#define ASSAY_CHECKPOINT_H

#include <assay/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How an element is stored. Block formats are those of ggml; see assay_dtype_block. */
enum assay_dtype {
    ASSAY_DTYPE_F64,
    ASSAY_DTYPE_F32,
    ASSAY_DTYPE_F16,
    ASSAY_DTYPE_BF16,
    ASSAY_DTYPE_F8_E4M3, /* the "fn" form: no infinities, 0x7f and 0xff are NaN */
    ASSAY_DTYPE_F8_E5M2,
    ASSAY_DTYPE_F8_E4M3FNUZ, /* bias 8, no infinities, no -0: 0x80 is NaN */
    ASSAY_DTYPE_F8_E5M2FNUZ, /* bias 16, likewise */
    ASSAY_DTYPE_F8_E8M0,     /* a scale: 2^(x - 127), 0xff is NaN */
    ASSAY_DTYPE_I64,
    ASSAY_DTYPE_I32,
    ASSAY_DTYPE_I16,
    ASSAY_DTYPE_I8,
    ASSAY_DTYPE_U64,
    ASSAY_DTYPE_U32,
    ASSAY_DTYPE_U16,
    ASSAY_DTYPE_U8,
    ASSAY_DTYPE_BOOL,
    ASSAY_DTYPE_Q4_0,
    ASSAY_DTYPE_Q4_1,
    ASSAY_DTYPE_Q5_0,
    ASSAY_DTYPE_Q5_1,
    ASSAY_DTYPE_Q8_0,
    ASSAY_DTYPE_Q2_K,
    ASSAY_DTYPE_Q3_K,
    ASSAY_DTYPE_Q4_K,
    ASSAY_DTYPE_Q5_K,
    ASSAY_DTYPE_Q6_K,
    ASSAY_DTYPE_IQ4_NL,
    ASSAY_DTYPE_IQ4_XS,
    ASSAY_DTYPE_MXFP4,
    ASSAY_DTYPE_F4,      /* E2M1, two a byte, the lower nibble first */
    ASSAY_DTYPE_F6_E2M3, /* four in three bytes, the lowest bits first */
    ASSAY_DTYPE_F6_E3M2,
    ASSAY_DTYPE_OTHER, /* named in the file, not read by Assay: listed, never decoded */
    ASSAY_DTYPE_COUNT
};

/* "F32", "Q4_K", ...; "other" for ASSAY_DTYPE_OTHER. Never NULL. */
ASSAY_API const char *assay_dtype_name(enum assay_dtype dtype);

/* Elements and bytes of one block: 1 element for plain types, 2 for F4 and 4 for F6, whose
 * elements share bytes. Bytes 0 for ASSAY_DTYPE_OTHER. */
ASSAY_API void assay_dtype_block(enum assay_dtype dtype, size_t *elements, size_t *bytes);

/* True for floating point and block types: what can hold a weight. */
ASSAY_API bool assay_dtype_is_real(enum assay_dtype dtype);

#define ASSAY_TENSOR_MOST_RANK 8

/* What an ONNX graph does with a tensor; ASSAY_USE_UNKNOWN in formats without a graph. */
enum assay_tensor_use {
    ASSAY_USE_UNKNOWN,
    ASSAY_USE_MATMUL, /* x W: rows are inputs, columns are outputs */
    ASSAY_USE_GATHER, /* a table that is looked up by row */
    ASSAY_USE_CONVOLUTION,
    ASSAY_USE_RECURRENT, /* weights of an LSTM or GRU: rows are gate blocks */
    ASSAY_USE_OTHER,
};

struct assay_tensor {
    const char *name; /* as in the file; unique within a checkpoint */
    enum assay_dtype dtype;
    const char *stored_as;                   /* the file's own word for the type */
    int rank;                                /* 0: a scalar */
    uint64_t shape[ASSAY_TENSOR_MOST_RANK];  /* slowest first, as PyTorch prints it */
    uint64_t stride[ASSAY_TENSOR_MOST_RANK]; /* in elements; for plain types */
    bool contiguous;                         /* strides are those of the shape */
    uint64_t elements;
    const unsigned char *bytes; /* into the mapping (or the arena); NULL if unreadable */
    size_t size;                /* of `bytes` */
    uint64_t offset;            /* of `bytes` in `file` */
    const char *file;           /* the path of the shard */
    const char *unreadable;     /* NULL, or why it cannot be decoded */
    enum assay_tensor_use use;
    uint64_t
        rotary_heads; /* of a query or key matrix whose rows hold rotary pairs side by side
                         (Meta's order, GGUF files of Llama): its heads; 0: other or not known */
    bool halves;      /* with rotary_heads: read as Hugging Face orders such rows, a head's
                         first parts of all pairs and then the second ones */
};

#define ASSAY_LONGEST_NOTE 1024

/* A line of the file's own description: a safetensors metadata entry, a GGUF key. */
struct assay_checkpoint_note {
    const char *key, *value; /* values are cut after ASSAY_LONGEST_NOTE bytes */
};

struct assay_checkpoint {
    const char *path;
    const char *format; /* "safetensors", "gguf", "onnx", "pytorch", "llama2c" */
    struct assay_tensor *tensors;
    size_t count;
    const struct assay_checkpoint_note *notes;
    size_t note_count;
    uint64_t file_bytes; /* all shards together */
    struct assay_file *files;
    size_t file_count;
    struct assay_arena *arena; /* owns all of the above but the mappings */
};

/*
 * Opens a checkpoint, recognising the format by its content (an index.json by its weight_map).
 * A folder stands for the index.json or the one checkpoint file inside it, or else for all parts
 * NAME-00001-of-00003.safetensors (or .bin), of which none may be missing; one file of a split
 * GGUF (NAME-00001-of-00003.gguf) for all of them. Errors: what base says of files;
 * ASSAY_ERROR_INPUT with the byte offset for anything malformed; ASSAY_ERROR_UNSUPPORTED for a
 * well-formed file of a kind that is not read. assay_checkpoint_close frees it; harmless on a
 * zeroed or failed one.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_checkpoint_open(const char *path,
                                                            struct assay_checkpoint *checkpoint,
                                                            struct assay_error *error);
ASSAY_API void assay_checkpoint_close(struct assay_checkpoint *checkpoint);

/*
 * Whether a file's name is NAME-K-of-N.ENDING, as parts of a checkpoint are called: *part is K,
 * *count is N (neither is checked against the other), *stem the length of NAME.
 */
ASSAY_API bool assay_checkpoint_part(const char *name, size_t *stem, unsigned long *part,
                                     unsigned long *count);

/* A checkpoint from memory, which must outlive it; not for shards. `path` is for messages. */
ASSAY_API ASSAY_MUST_USE assay_status assay_checkpoint_parse(const char *path, const void *bytes,
                                                             size_t size,
                                                             struct assay_checkpoint *checkpoint,
                                                             struct assay_error *error);

/* The tensor of that name, or NULL. */
ASSAY_API const struct assay_tensor *
assay_checkpoint_find(const struct assay_checkpoint *checkpoint, const char *name);

/*
 * Decodes `count` elements from element `first` (row-major) to float32. For ggml's block
 * types both must be multiples of the block (where `halves` is set: of a row). F64 and 64-bit
 * integers are rounded. ASSAY_ERROR_UNSUPPORTED for an unreadable tensor, ASSAY_ERROR_INPUT for a
 * range outside it.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_tensor_read(const struct assay_tensor *tensor,
                                                        uint64_t first, uint64_t count,
                                                        float *values, struct assay_error *error);

/* ---- vocabularies -------------------------------------------------------------------------- */

struct assay_piece {
    const char *bytes; /* not terminated */
    size_t size;
};

/* A tokenizer's pieces by number, and its merges in order, where it has them. */
struct assay_vocabulary {
    const char *format; /* "sentencepiece", "tokenizer.json", "vocab.json", "tiktoken", "gguf" */
    struct assay_piece *pieces;
    size_t count;
    struct assay_piece *merges; /* "left right" */
    size_t merge_count;
    struct assay_arena *arena;
};

/*
 * Reads a SentencePiece model, a tokenizer.json of Hugging Face (BPE, WordPiece, Unigram), a
 * vocab.json (with the merges.txt beside it, if there is one), ranks as tiktoken writes them (as
 * the pieces of byte-level BPE) or the vocabulary in a GGUF file, of at most 128 MiB (GGUF: of any
 * size) and 16 million pieces. Numbers that no piece has are empty pieces. Free it with
 * assay_vocabulary_free.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_vocabulary_read(const char *path,
                                                            struct assay_vocabulary *vocabulary,
                                                            struct assay_error *error);
ASSAY_API ASSAY_MUST_USE assay_status assay_vocabulary_parse(const char *path, const void *bytes,
                                                             size_t size,
                                                             struct assay_vocabulary *vocabulary,
                                                             struct assay_error *error);
/* merges.txt, "left right" a line, read into a vocabulary that has no merges. */
ASSAY_API ASSAY_MUST_USE assay_status
assay_vocabulary_parse_merges(const char *path, const void *bytes, size_t size,
                              struct assay_vocabulary *vocabulary, struct assay_error *error);
/*
 * The file that holds the vocabulary of the checkpoint at `path` (a file or a folder): itself if
 * it is GGUF, else tokenizer.json, tokenizer.model or vocab.json in its folder. False: there is
 * none.
 */
ASSAY_API bool assay_vocabulary_find(const char *path, char *found, size_t room);
ASSAY_API void assay_vocabulary_free(struct assay_vocabulary *vocabulary);

/* One tensor to be written. */
struct assay_tensor_out {
    const char *name;
    enum assay_dtype dtype; /* plain types only */
    int rank;
    uint64_t shape[ASSAY_TENSOR_MOST_RANK];
    const void *bytes; /* row-major, little-endian, elements * size of dtype */
};

/*
 * Writes a safetensors file: beside and renamed, so that nothing is half-written. Names must be
 * unique. ASSAY_ERROR_INPUT for a block type or sizes that overflow.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_safetensors_write(
    const char *path, const struct assay_tensor_out *tensors, size_t count,
    const struct assay_checkpoint_note *notes, size_t note_count, struct assay_error *error);

#ifdef __cplusplus
}
#endif
#endif
