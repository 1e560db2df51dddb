/* SPDX-License-Identifier: Apache-2.0 */
/*
 * accelerator_name: what people write, brought to one form. In: "NVIDIA H100-SXM5-80GB HBM3". Out:
 * the key "h100sxm" and the memory that the name states, 80e9 bytes. What can go wrong: nothing
 * is left that names a kind, two different memory sizes, or more text than a name has.
 */
#ifndef CLAIM_ACCELERATOR_NAME_H
#define CLAIM_ACCELERATOR_NAME_H

#include <assay/base.h>

#define ACCELERATOR_KEY_SIZE 128

/*
 * Writes the key of `name`: lower case, letters and digits only, without vendors, HBM kinds,
 * memory sizes, the number of an SXM socket and words such as "GPU"; what stands in brackets
 * counts only if nothing stands outside. `memory_bytes` gets the stated size, or 0.
 */
ASSAY_MUST_USE bool accelerator_key(const char *name, char key[ACCELERATOR_KEY_SIZE],
                                    double *memory_bytes);

#endif
