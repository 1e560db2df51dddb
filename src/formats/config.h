/* SPDX-License-Identifier: Apache-2.0 */
/* config: config.json from memory, for assay_architecture_read_config and the fuzzer. */
#ifndef FORMATS_CONFIG_H
#define FORMATS_CONFIG_H

#include <assay/formats.h>

ASSAY_MUST_USE assay_status config_parse(const char *path, const void *bytes, size_t size,
                                         struct assay_architecture *architecture,
                                         struct assay_error *error);

#endif
