/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checkpoint: what the readers of weights share. Each reader takes one file's bytes and adds
 * tensors to a list; assay_checkpoint_open finds the format, maps the files and makes the whole.
 */
#ifndef FORMATS_CHECKPOINT_H
#define FORMATS_CHECKPOINT_H

#include <assay/checkpoint.h>

/* A checkpoint in the making. */
struct checkpoint_draft {
    struct assay_checkpoint *checkpoint;
    const char *path; /* of the file being read, in the arena */
    const unsigned char *bytes;
    size_t size;
    size_t tensor_room, note_room;
    struct assay_error *error;
};

/* The readers. Each refuses with the byte offset. */
ASSAY_MUST_USE assay_status safetensors_read(struct checkpoint_draft *draft);
ASSAY_MUST_USE assay_status gguf_read(struct checkpoint_draft *draft);
ASSAY_MUST_USE assay_status onnx_read(struct checkpoint_draft *draft);
ASSAY_MUST_USE assay_status pytorch_read(struct checkpoint_draft *draft);
ASSAY_MUST_USE assay_status llama2c_read(struct checkpoint_draft *draft);

/* The reader that knows the draft's bytes by their beginning; ASSAY_ERROR_UNSUPPORTED: none does.
 */
ASSAY_MUST_USE assay_status checkpoint_read_one(struct checkpoint_draft *draft);
/* checkpoint_files.c: all files that the checkpoint's path stands for, opened and read. */
ASSAY_MUST_USE assay_status checkpoint_open_files(struct checkpoint_draft *draft);

/* Refusals that name the file and the offset. */
assay_status checkpoint_refuse(struct checkpoint_draft *draft, uint64_t offset, const char *format,
                               ...) ASSAY_PRINTF(3, 4);
assay_status checkpoint_no_memory(struct checkpoint_draft *draft);

/*
 * Adds a tensor whose name, type, rank, shape and offset are set; checks the rank, multiplies
 * the shape out, sets contiguous strides (unless `strided`), size and bytes, and refuses one
 * that does not lie in the file. An `unreadable` one is listed without bytes.
 */
ASSAY_MUST_USE assay_status checkpoint_add(struct checkpoint_draft *draft,
                                           const struct assay_tensor *tensor);

/* Adds a note; bytes that are not UTF-8 and what is longer than 200 bytes are left out. */
ASSAY_MUST_USE assay_status checkpoint_note(struct checkpoint_draft *draft, const char *key,
                                            const char *value, size_t length);

/* Elements of a shape; false if 63 bits do not hold them. */
ASSAY_MUST_USE bool checkpoint_elements(int rank, const uint64_t *shape, uint64_t *elements);

/* Bytes of that many elements; false if they overflow or are no whole number of blocks. */
ASSAY_MUST_USE bool checkpoint_bytes(enum assay_dtype dtype, uint64_t elements, uint64_t *bytes);

/* rotary.c: marks a query or key matrix whose rows hold rotary pairs side by side, if its rows
 * make that many heads; and all of a checkpoint for which a key or a table tells. */
void checkpoint_mark_rotary(struct assay_tensor *tensor, uint64_t heads);
void checkpoint_mark_all_rotary(struct assay_checkpoint *checkpoint);

/* Decodes whole blocks of a ggml type. */
void ggml_decode(enum assay_dtype dtype, const unsigned char *blocks, size_t block_count,
                 float *values);

#endif
