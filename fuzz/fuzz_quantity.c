/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: quantities with units. The first byte chooses the unit. */
#include <assay/base.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char expected[160], *text;
    double value;
    if (size == 0 || !(text = malloc(size)))
        return 0;
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    enum assay_unit unit = (enum assay_unit)(data[0] % (ASSAY_UNIT_PERCENT + 1));
    if (assay_quantity_read(text, unit, &value, expected, sizeof expected) && !isfinite(value))
        abort();
    free(text);
    return 0;
}
