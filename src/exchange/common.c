/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/common.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const unsigned char exchange_namespace[16] = {0xd9, 0x2c, 0x94, 0xee, 0xd4, 0xc9, 0x4e, 0xc1,
                                              0x83, 0xf4, 0x3c, 0xcf, 0x12, 0x36, 0xfd, 0xb2};
const unsigned char exchange_stix_namespace[16] = {0x00, 0xab, 0xed, 0xb4, 0xaa, 0x42, 0x46, 0x6c,
                                                   0x9c, 0x01, 0xfe, 0xd2, 0x33, 0x15, 0xa9, 0xb7};

void exchange_uuid(const unsigned char space[16], const char *name, char uuid[37])
{
    unsigned char digest[EVP_MAX_MD_SIZE] = {0};
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context && EVP_DigestInit_ex(context, EVP_sha1(), NULL) == 1 &&
        EVP_DigestUpdate(context, space, 16) == 1 &&
        EVP_DigestUpdate(context, name, strlen(name)) == 1)
        (void)EVP_DigestFinal_ex(context, digest, NULL);
    EVP_MD_CTX_free(context);
    digest[6] = (unsigned char)((digest[6] & 0x0f) | 0x50);
    digest[8] = (unsigned char)((digest[8] & 0x3f) | 0x80);
    char *to = uuid;
    for (int i = 0; i < 16; i++)
        to += snprintf(to, 4, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", digest[i]);
}

void exchange_time(const char *date, char time[32])
{
    size_t length = strlen(date);
    snprintf(time, 32, "%.10s%sT00:00:00.000Z", date,
             length == 4   ? "-01-01"
             : length == 7 ? "-01"
                           : "");
}

void exchange_case_time(const struct assay_case *subject, char time[32])
{
    snprintf(time, 32, "1970-01-01T00:00:00.000Z");
    for (size_t i = 0; i < subject->exhibit_count; i++) {
        char other[32];
        exchange_time(subject->exhibits[i].date, other);
        if (strcmp(other, time) > 0)
            memcpy(time, other, sizeof other);
    }
}

void exchange_ratio(const struct assay_combination *combination,
                    const struct assay_combined_hypothesis *hypothesis, char *text, size_t size)
{
    const struct assay_interval *r = &hypothesis->log10_ratio;
    if (hypothesis->reference)
        snprintf(text, size, "the reference: others are weighed against it");
    else
        snprintf(text, size,
                 "log10 likelihood ratio against '%s' %.2f (80%% interval %.2f to %.2f): %s%s",
                 combination->reference, r->median, r->low, r->high, hypothesis->words,
                 hypothesis->favours < 0 ? " for the reference" : "");
}

bool *exchange_bearing(const struct assay_case *subject, const struct assay_case_question *question)
{
    bool *bears = calloc(subject->exhibit_count + 1, sizeof *bears);
    if (!bears)
        return NULL;
    for (size_t i = 0; i < question->exhibit_count; i++)
        bears[question->exhibits[i] - subject->exhibits] = true;
    for (size_t t = 0; t < question->task_count; t++)
        for (size_t i = 0; i < question->tasks[t].exhibit_count; i++)
            bears[question->tasks[t].exhibits[i] - subject->exhibits] = true;
    for (size_t f = 0; f < question->entry_count; f++)
        for (size_t i = 0; i < question->entries[f].exhibit_count; i++)
            bears[question->entries[f].exhibits[i] - subject->exhibits] = true;
    return bears;
}

void exchange_grade(const char *grade, char *text, size_t size)
{
    static const char *const letters[] = {"completely reliable", "usually reliable",
                                          "fairly reliable",     "not usually reliable",
                                          "unreliable",          "of unknown reliability"};
    static const char *const digits[] = {"confirmed by others", "probably true",
                                         "possibly true",       "doubtful",
                                         "improbable",          "truth cannot be judged"};
    unsigned letter = (unsigned)(grade[0] - 'A'), digit = (unsigned)(grade[1] - '1');
    snprintf(text, size, "%s (source %s; %s)", grade, letters[letter < 6 ? letter : 5],
             digits[digit < 6 ? digit : 5]);
}
