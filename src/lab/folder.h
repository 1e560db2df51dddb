/* SPDX-License-Identifier: Apache-2.0 */
/*
 * folder: a folder of text as a design's world. In: a folder's path, as the design has it. Out:
 * all text below it, files in the order of their paths, one after another. Files with a zero byte
 * are no text and are left out. What can go wrong: a folder that cannot be read, or has too little
 * for the design's authors; more than LAB_MOST_TEXT bytes or LAB_MOST_FILES files.
 */
#ifndef LAB_FOLDER_H
#define LAB_FOLDER_H

#include "lab/design.h"

#define LAB_MOST_TEXT ((size_t)256 << 20)
#define LAB_MOST_FILES 100000

/* Sets text, text_size and text_digest; `node` is for messages and what the path is relative to. */
ASSAY_MUST_USE assay_status lab_design_read_text(const struct assay_yaml *node, const char *folder,
                                                 struct lab_design *design,
                                                 struct assay_error *error);

/* Whether every author's part is large enough to be read from. */
ASSAY_MUST_USE assay_status lab_design_check_text(const struct assay_yaml *world,
                                                  const struct lab_design *design,
                                                  struct assay_error *error);

#endif
