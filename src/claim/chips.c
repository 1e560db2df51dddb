/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chips: what export rules measure of an accelerator. In: its data sheet. Out: total processing
 * performance, performance density, and the status in words. Cannot fail.
 */
#include <assay/fence.h>

#include <math.h>

double assay_processing_performance(const struct assay_accelerator *a)
{
    const struct {
        double rate, bits;
    } precisions[] = {
        {a->flops_fp4, 4},   {a->flops_fp8, 8},   {a->flops_bf16, 16},
        {a->flops_tf32, 19}, {a->flops_fp32, 32},
    };
    double best = 0;
    for (size_t i = 0; i < sizeof precisions / sizeof precisions[0]; i++)
        best = fmax(best, precisions[i].rate / 1e12 * precisions[i].bits);
    return best;
}

double assay_performance_density(const struct assay_accelerator *a)
{
    return a->die_area_mm2 > 0 ? assay_processing_performance(a) / a->die_area_mm2 : (double)NAN;
}

const char *assay_export_status_name(enum assay_export_status status)
{
    static const char *const names[ASSAY_EXPORT_COUNT] = {
        "free", "notify", "case", "licence", "denial", "domestic", "rented", "unknown",
    };
    return (unsigned)status < ASSAY_EXPORT_COUNT ? names[status] : "unknown";
}

const char *assay_export_status_words(enum assay_export_status status)
{
    static const char *const words[ASSAY_EXPORT_COUNT] = {
        "not controlled",
        "controlled; licence exception NAC after notice",
        "controlled; a licence, decided case by case",
        "controlled; a licence, by a policy that is not public",
        "controlled; a licence, presumed to be denied",
        "designed in China: no export",
        "rented by its maker, not sold",
        "not known",
    };
    return words[(unsigned)status < ASSAY_EXPORT_COUNT ? status : ASSAY_EXPORT_UNKNOWN];
}
