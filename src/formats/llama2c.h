/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FORMATS_LLAMA2C_H
#define FORMATS_LLAMA2C_H

#include "formats/checkpoint.h"

/* Whether a header's sizes make exactly this file: the format has no magic number. */
bool llama2c_fits(const struct checkpoint_draft *draft);

#endif
