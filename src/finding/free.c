/* SPDX-License-Identifier: Apache-2.0 */
#include <assay/finding.h>

#include <string.h>

void assay_finding_free(struct assay_finding *finding)
{
    if (finding == NULL)
        return;
    assay_arena_free(finding->arena);
    memset(finding, 0, sizeof *finding);
}
