/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quantities as people write them: NUMBER[magnitude] UNIT. Each unit is a list of words with
 * what one of them is in SI; a word may be preceded by an SI or binary prefix where that is
 * usual. Device-hours name any device: "H800-hours".
 */
#include <assay/base.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the units ---------------------------------------------------------------------------- */

struct word {
    const char *text;
    double scale;
};

static const struct word none[] = {{NULL, 0}};
static const struct word tokens[] = {{"tokens", 1}, {"token", 1}, {NULL, 0}};
static const struct word sequences[] = {
    {"sequences", 1}, {"sequence", 1}, {"samples", 1}, {NULL, 0}};
static const struct word parameters[] = {
    {"parameters", 1}, {"params", 1}, {"weights", 1}, {NULL, 0}};
static const struct word seconds[] = {
    {"s", 1},       {"sec", 1},      {"second", 1},     {"seconds", 1},
    {"ms", 1e-3},   {"us", 1e-6},    {"min", 60},       {"minutes", 60},
    {"h", 3600},    {"hour", 3600},  {"hours", 3600},   {"d", 86400},
    {"day", 86400}, {"days", 86400}, {"weeks", 604800}, {"months", 2629746},
    {NULL, 0}};
static const struct word bytes[] = {
    {"B", 1},        {"bytes", 1},    {"byte", 1},     {"kB", 1e3},  {"KB", 1e3},
    {"MB", 1e6},     {"GB", 1e9},     {"TB", 1e12},    {"PB", 1e15}, {"KiB", 0x1p10},
    {"MiB", 0x1p20}, {"GiB", 0x1p30}, {"TiB", 0x1p40}, {NULL, 0}};
static const struct word bytes_per_second[] = {
    {"B/s", 1},         {"KB/s", 1e3},     {"MB/s", 1e6},     {"GB/s", 1e9},
    {"TB/s", 1e12},     {"GiB/s", 0x1p30}, {"Mb/s", 1.25e5},  {"Gb/s", 1.25e8},
    {"Gbit/s", 1.25e8}, {"Gbps", 1.25e8},  {"Tb/s", 1.25e11}, {NULL, 0}};
static const struct word flops[] = {{"FLOP/s", 1},     {"GFLOP/s", 1e9}, {"TFLOP/s", 1e12},
                                    {"PFLOP/s", 1e15}, {"TFLOPS", 1e12}, {"PFLOPS", 1e15},
                                    {"TOPS", 1e12},    {NULL, 0}};
static const struct word watts[] = {{"W", 1}, {"kW", 1e3}, {"MW", 1e6}, {"GW", 1e9}, {NULL, 0}};
static const struct word joules[] = {{"J", 1},       {"kJ", 1e3},     {"MJ", 1e6},
                                     {"GJ", 1e9},    {"Wh", 3600},    {"kWh", 3.6e6},
                                     {"MWh", 3.6e9}, {"GWh", 3.6e12}, {NULL, 0}};
static const struct word hours[] = {{"hours", 1}, {"hour", 1}, {"h", 1}, {NULL, 0}};
static const struct word hours_per_token[] = {{"hours per trillion tokens", 1e-12},
                                              {"hours per billion tokens", 1e-9},
                                              {"hours/T tokens", 1e-12},
                                              {NULL, 0}};
static const struct word seconds_per_token[] = {{"days per trillion tokens", 86400e-12},
                                                {"hours per trillion tokens", 3600e-12},
                                                {"days per billion tokens", 86400e-9},
                                                {NULL, 0}};
static const struct word tokens_per_second[] = {
    {"tokens/s", 1}, {"token/s", 1}, {"tokens/s/device", 1}, {"tokens/s/GPU", 1}, {NULL, 0}};
static const struct word dollars[] = {{"USD", 1}, {"US dollars", 1}, {"$", 1}, {NULL, 0}};
static const struct word percent[] = {{"%", 0.01}, {"percent", 0.01}, {NULL, 0}};

static const struct unit {
    const struct word *words;
    const char *example;
    bool device; /* a device's name and '-' may stand before the word */
} units[] = {
    [ASSAY_UNIT_NONE] = {none, "a bare number such as \"0.85\"", false},
    [ASSAY_UNIT_TOKENS] = {tokens, "a number of tokens such as \"14.8T tokens\"", false},
    [ASSAY_UNIT_SEQUENCES] = {sequences, "a number of sequences such as \"15360 sequences\"",
                              false},
    [ASSAY_UNIT_PARAMETERS] = {parameters, "a number of parameters such as \"671B parameters\"",
                               false},
    [ASSAY_UNIT_SECONDS] = {seconds, "a time such as \"54 days\", \"2 h\" or \"3.2 ms\"", false},
    [ASSAY_UNIT_BYTES] = {bytes, "a size such as \"80 GB\" or \"12 bytes\"", false},
    [ASSAY_UNIT_BYTES_PER_SECOND] = {bytes_per_second,
                                     "a bandwidth such as \"400 GB/s\" or \"400 Gb/s\"", false},
    [ASSAY_UNIT_FLOPS] = {flops, "a rate such as \"989 TFLOP/s\"", false},
    [ASSAY_UNIT_WATTS] = {watts, "a power such as \"700 W\" or \"1.4 MW\"", false},
    [ASSAY_UNIT_JOULES] = {joules, "an energy such as \"3 GWh\" or \"5 MJ\"", false},
    [ASSAY_UNIT_DEVICE_HOURS] = {hours, "device-hours such as \"2.664M H800-hours\"", true},
    [ASSAY_UNIT_DEVICE_HOURS_PER_TOKEN] = {hours_per_token,
                                           "a rate such as \"180K H800-hours per trillion tokens\"",
                                           true},
    [ASSAY_UNIT_SECONDS_PER_TOKEN] = {seconds_per_token,
                                      "a rate such as \"3.7 days per trillion tokens\"", false},
    [ASSAY_UNIT_TOKENS_PER_SECOND] = {tokens_per_second, "a rate such as \"1543 tokens/s\"", false},
    [ASSAY_UNIT_US_DOLLARS] = {dollars, "an amount such as \"5.576M USD\"", false},
    [ASSAY_UNIT_PERCENT] = {percent, "a share such as \"38.5 %\"", false},
};

/* ---- reading ------------------------------------------------------------------------------ */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Whether the comma at `at` stands before a group of three digits, with `before` digits in the
 * group before it: "14,800" is a number, "14,8" may be meant as 14.8 and is refused, as "0,500" is.
 */
static bool separates_thousands(const char *at, size_t before, bool first)
{
    bool zero = first && before == 1 && at[-1] == '0';
    return !zero && before >= 1 && before <= 3 && (first || before == 3) && is_digit(at[1]) &&
           is_digit(at[2]) && is_digit(at[3]) && !is_digit(at[4]);
}

/* The number at *text without separators, in strict decimal; moves *text behind it. */
static bool read_number(const char **text, double *number)
{
    char plain[64];
    size_t n = 0;
    const char *at = *text;
    size_t group = 0; /* digits since the last comma */
    bool digits = false, whole = true, first = true;
    const size_t most = sizeof plain - 3; /* an exponent takes two, the end one */

    if (*at == '+' || *at == '-')
        plain[n++] = *at++;
    for (; n < most; at++) {
        bool digit = is_digit(*at);
        bool comma = *at == ',' && whole && separates_thousands(at, group, first);
        bool separator = comma || (*at == '_' && digits && is_digit(at[1]));
        bool exponent = (*at == 'e' || *at == 'E') && digits &&
                        (at[1] == '-' || at[1] == '+' || is_digit(at[1]));
        if (digit || *at == '.')
            plain[n++] = *at;
        else if (exponent) {
            plain[n++] = *at++;
            plain[n++] = *at;
        } else if (!separator)
            break;
        digits = digits || digit;
        whole = whole && (digit || separator);
        first = first && !comma;
        group = comma ? 0 : group + digit;
    }
    plain[n] = '\0';
    if (!digits || n >= most)
        return false;
    char *end;
    *number = strtod(plain, &end);
    *text = at;
    return *end == '\0' && isfinite(*number);
}

/* The magnitude letter joined to the number, if what follows is a space or the end. */
static double read_magnitude(const char **text)
{
    static const struct word magnitudes[] = {{"K", 1e3},  {"k", 1e3},  {"M", 1e6}, {"B", 1e9},
                                             {"T", 1e12}, {"P", 1e15}, {"E", 1e18}};
    const char *at = *text;
    for (size_t i = 0; i < sizeof magnitudes / sizeof magnitudes[0]; i++)
        if (*at == magnitudes[i].text[0] && (at[1] == ' ' || at[1] == '\0')) {
            *text = at + 1;
            return magnitudes[i].scale;
        }
    return 1;
}

/* Skips "H800-" and the like; a device's name has no space. */
static const char *after_device(const char *text)
{
    const char *dash = NULL;
    for (const char *at = text; *at && *at != ' '; at++)
        if (*at == '-')
            dash = at;
    return dash && dash > text ? dash + 1 : NULL;
}

bool assay_quantity_read(const char *text, enum assay_unit unit, double *value, char *expected,
                         size_t size)
{
    const struct unit *u = &units[unit];
    snprintf(expected, size, "%s%s", u->example,
             strchr(text, ',') ? ", with a decimal point; commas part thousands" : "");
    while (*text == ' ')
        text++;
    if (!read_number(&text, value))
        return false;
    *value *= read_magnitude(&text);
    while (*text == ' ')
        text++;
    if (unit == ASSAY_UNIT_NONE)
        return *text == '\0' && isfinite(*value);
    if (u->device && !(text = after_device(text)))
        return false;
    size_t length = strlen(text);
    while (length && text[length - 1] == ' ')
        length--;
    for (const struct word *w = u->words; w->text; w++)
        if (strlen(w->text) == length && memcmp(w->text, text, length) == 0) {
            *value *= w->scale;
            return isfinite(*value);
        }
    return false;
}
