/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the page of the report whose JSON comes in, for tests of the page in a browser. */
#include <assay/report.h>

#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    char *json = NULL, *page = NULL;
    size_t size = 0;
    struct assay_error error;
    if (getdelim(&json, &size, '\0', stdin) < 0 ||
        assay_report_page(json, &page, &error) != ASSAY_OK)
        return 2;
    fputs(page, stdout);
    free(json);
    free(page);
    return fflush(stdout) == 0 ? 0 : 1;
}
