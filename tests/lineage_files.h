/* SPDX-License-Identifier: Apache-2.0 */
/* Two checkpoints on disk compared, and what was found; for tests, which end where one cannot be
 * read. Include cmocka.h before. */
#ifndef TESTS_LINEAGE_FILES_H
#define TESTS_LINEAGE_FILES_H

#include <assay/lineage.h>

#include <string.h>

/* Free with assay_lineage_comparison_free. */
static inline void compare_files(const char *a, const char *b, struct assay_lineage_comparison *r)
{
    struct assay_checkpoint x, y;
    struct assay_lineage_settings settings = assay_lineage_settings_default();
    struct assay_context context = assay_context_default();
    assert_int_equal(assay_checkpoint_open(a, &x, NULL), ASSAY_OK);
    assert_int_equal(assay_checkpoint_open(b, &y, NULL), ASSAY_OK);
    assert_int_equal(assay_lineage_compare(&x, &y, &settings, &context, r, NULL), ASSAY_OK);
    assay_checkpoint_close(&x);
    assay_checkpoint_close(&y);
}

static inline bool has_relation(const struct assay_lineage_comparison *r, const char *kind)
{
    for (size_t i = 0; i < r->relation_count; i++)
        if (strcmp(r->relations[i].kind, kind) == 0)
            return true;
    return false;
}

#endif
