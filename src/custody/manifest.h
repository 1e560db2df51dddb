/* SPDX-License-Identifier: Apache-2.0 */
/* manifest: what the custody room's own files share of it. */
#ifndef CUSTODY_MANIFEST_H
#define CUSTODY_MANIFEST_H

#include <assay/custody.h>

/* Sets root_sha256 from the files' digests. False if libcrypto fails or a digest is none. */
ASSAY_MUST_USE bool manifest_root(struct assay_manifest *manifest);

/* Whether a path may be shown: UTF-8, no control characters and none that reorder or hide text. */
bool manifest_is_plain(const char *path);

#endif
