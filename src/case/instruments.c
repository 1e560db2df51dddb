/* SPDX-License-Identifier: Apache-2.0 */
#include "case/instruments.h"
const struct instrument_table instruments_all = {NULL, 0};
