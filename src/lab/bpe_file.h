/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bpe_file: a vocabulary as tokenizer.json of Hugging Face, and back. In and out: struct lab_bpe.
 * What can go wrong: the disk; a tokenizer that is not the lab's. The bytes are spelt as letters,
 * as GPT-2 does; token 0 is "<|begin|>".
 */
#ifndef LAB_BPE_FILE_H
#define LAB_BPE_FILE_H

#include "lab/bpe.h"

#define LAB_BEGIN "<|begin|>"

ASSAY_MUST_USE assay_status lab_bpe_write(const struct lab_bpe *bpe, const char *path,
                                          struct assay_error *error);

/* A tokenizer.json or GGUF file that lab_bpe_write or lab_gguf_write wrote. */
ASSAY_MUST_USE assay_status lab_bpe_read(const char *path, struct lab_bpe *bpe,
                                         struct assay_error *error);

/* A token's spelling, NUL-terminated: at most 4 x its bytes + 16. Returns its length. */
size_t lab_bpe_spelling(const struct lab_bpe *bpe, size_t token, char *to);

/* Most bytes that a spelling takes, and its NUL. */
size_t lab_bpe_longest(const struct lab_bpe *bpe);

#endif
