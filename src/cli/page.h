/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page: a finding that stands in no case, written as a page (--report FILE.html). In: a finding, a
 * title. Out: the file. What can go wrong: the folder is missing or may not be written to, the
 * disk, memory.
 */
#ifndef CLI_PAGE_H
#define CLI_PAGE_H

#include "cli/cli.h"

#include <assay/finding.h>

/* Whether a file can be put there: to be asked before the work that it is to hold. */
assay_status cli_page_check(struct cli_call *call, const char *path);

assay_status cli_page_write(struct cli_call *call, const struct assay_finding *finding,
                            const char *title, const char *path);

#endif
