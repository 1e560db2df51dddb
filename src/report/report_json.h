/* SPDX-License-Identifier: Apache-2.0 */
/* report_json: the report object, for the program's --json. A new reference; NULL: no memory. */
#ifndef REPORT_REPORT_JSON_H
#define REPORT_REPORT_JSON_H

#include <assay/report.h>

#include <jansson.h>

json_t *report_to_json(const struct assay_assessment *assessment);

#endif
