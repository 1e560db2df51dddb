/* SPDX-License-Identifier: Apache-2.0 */
/* combination_json: a question's combined findings as JSON, or null. A new reference. */
#ifndef REPORT_COMBINATION_JSON_H
#define REPORT_COMBINATION_JSON_H

#include <assay/case.h>

#include <jansson.h>

json_t *combination_to_json(const struct assay_case_reply *reply);

#endif
