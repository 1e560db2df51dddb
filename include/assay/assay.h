/* SPDX-License-Identifier: Apache-2.0 */
/* Everything: one header a room, two for claim. */
#ifndef ASSAY_ASSAY_H
#define ASSAY_ASSAY_H

#include <assay/base.h>
#include <assay/case.h>
#include <assay/claim.h>
#include <assay/fence.h>
#include <assay/finding.h>
#include <assay/formats.h>
#include <assay/report.h>
#include <assay/stats.h>

#endif
