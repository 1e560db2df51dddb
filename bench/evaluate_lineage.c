#include "lineage_bank.h"
#include <stdio.h>
int main(int argc, char **argv)
{
    struct bank_model *list;
    size_t count;
    struct assay_error e;
    char t[1000];
    struct assay_context context = assay_context_default();
    context.threads = 1;
    if (argc < 2)
        return 2;
    if (bank_fill(&context, argv[1], &list, &count, &e) != ASSAY_OK) {
        assay_error_format(&e, t, sizeof t);
        puts(t);
        return 1;
    }
    if (bank_tune(&list[0], 40, 5, "/tmp/tuned.safetensors", &e))
        return 1;
    return 0;
}
