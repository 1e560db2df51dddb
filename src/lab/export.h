/* SPDX-License-Identifier: Apache-2.0 */
/*
 * export: models for other programs, and back. In: a model and its vocabulary. Out: a folder as
 * Hugging Face has them (Llama's names, or Mixtral's if there are experts), or a GGUF file
 * (architecture "llama", experts of a layer in one tensor), in float32. What can go wrong: the
 * disk; a file that is no such model without biases, or of sizes that contradict.
 *
 * GGUF turns pairs of neighbours where Hugging Face turns pairs half a head apart: rows of queries
 * and keys change places on the way (convert_hf_to_gguf.py of llama.cpp).
 */
#ifndef LAB_EXPORT_H
#define LAB_EXPORT_H

#include "lab/bpe.h"
#include "lab/model.h"

#include <assay/checkpoint.h>

/* model.safetensors, config.json, tokenizer.json in `folder`, which must exist. */
ASSAY_MUST_USE assay_status lab_export_folder(const struct lab_model *model,
                                              const struct lab_bpe *bpe, const char *folder,
                                              struct assay_error *error);
ASSAY_MUST_USE assay_status lab_export_gguf(const struct lab_model *model,
                                            const struct lab_bpe *bpe, const char *path,
                                            struct assay_error *error);

/*
 * From a folder of assay_lab_train, or what the functions above wrote. Free both. A tokenizer
 * that is not the lab's is ASSAY_ERROR_UNSUPPORTED.
 */
ASSAY_MUST_USE assay_status lab_import(const char *path, struct lab_model *model,
                                       struct lab_bpe *bpe, struct assay_error *error);

/* ---- what both directions share -------------------------------------------------------- */

/* A tensor of a model: its name in a file, where it lies, its shape (columns 0: a vector). */
struct lab_tensor {
    char name[96];
    size_t at, rows, columns;
    unsigned turned; /* heads whose rows GGUF orders otherwise; 0: none */
    unsigned stack;  /* such matrices in one tensor, each lab_expert_weights after the last;
                        0: one, of rank 2 */
};

/* Tensors as a format has them; free `list`. Returns how many; 0: out of memory. */
size_t lab_tensors(const struct lab_model *model, bool gguf, struct lab_tensor **list);

/* One safetensors file with all tensors under Hugging Face's names, and notes. */
ASSAY_MUST_USE assay_status lab_write_tensors(const struct lab_model *model, const char *path,
                                              const struct assay_checkpoint_note *notes,
                                              size_t note_count, struct assay_error *error);

/* Into a model of that file's shape, from what lab_write_tensors wrote; false for any other file.
 */
bool lab_read_tensors(const char *path, struct lab_model *model);

/* Row r of GGUF is row lab_turned_row(...) of Hugging Face's. */
size_t lab_turned_row(size_t r, size_t rows, unsigned heads);

#endif
