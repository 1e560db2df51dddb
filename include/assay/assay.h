/* SPDX-License-Identifier: Apache-2.0 */
/* Everything: one header a subject. */
#ifndef ASSAY_ASSAY_H
#define ASSAY_ASSAY_H

#include <assay/base.h>
#include <assay/case.h>
#include <assay/checkpoint.h>
#include <assay/claim.h>
#include <assay/custody.h>
#include <assay/evidence.h>
#include <assay/exchange.h>
#include <assay/fence.h>
#include <assay/finding.h>
#include <assay/formats.h>
#include <assay/lineage.h>
#include <assay/report.h>
#include <assay/search.h>
#include <assay/stats.h>

#endif
