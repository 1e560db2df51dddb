/* SPDX-License-Identifier: Apache-2.0 */
/* combination_text: a question's combined findings for a terminal, 80 columns where words allow. */
#ifndef REPORT_COMBINATION_TEXT_H
#define REPORT_COMBINATION_TEXT_H

#include <assay/case.h>

#include <stdio.h>

void combination_text(FILE *to, const struct assay_combination *combination);

/* What to look for next alone; nothing if nothing is listed. */
void combination_next_text(FILE *to, const struct assay_combination *combination);

#endif
