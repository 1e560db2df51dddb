/* SPDX-License-Identifier: Apache-2.0 */
#include "style/itself.h"

#include <string.h>

#define SAME_SHARE 0.9 /* of answers, letter by letter */

bool style_is_itself(const struct assay_responses *suspect, const struct assay_responses *other)
{
    size_t same = 0, shared = 0;
    if (strcmp(suspect->name, other->name) != 0)
        return false;
    for (size_t i = 0, k = 0; i < suspect->n && k < other->n;) {
        int order = strcmp(suspect->answers[i].key, other->answers[k].key);
        if (order == 0) {
            shared++;
            same += strcmp(suspect->answers[i].text, other->answers[k].text) == 0;
        }
        i += order <= 0;
        k += order >= 0;
    }
    return shared > 0 && (double)same >= SAME_SHARE * (double)shared;
}
