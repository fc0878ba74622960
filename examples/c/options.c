#include "options.h"

#include <inttypes.h>
#include <string.h>

/* Far more than any machine needs here. */
#define PRODUCERS_MAX 1024

static const char USAGE[] =
    "usage: run [--input PATH|-] [--count N] [--seed S] [--producers P] [--scale N] [--data-dir DIR] "
    "[--backend fjall|rocksdb|memory]";

/* Digits only, behind a plus sign if need be; false when there are none or they do not fit. */
static bool digits(const char *text, uint64_t *value) {
    *value = 0;
    text += *text == '+';
    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        const unsigned digit = (unsigned char)*text - (unsigned)'0';
        if (digit > 9 || *value > (UINT64_MAX - digit) / 10)
            return false;
        *value = *value * 10 + digit;
    }
    return true;
}

static bool number(const char *flag, const char *text, uint64_t max, uint64_t *out, fault *why) {
    uint64_t value;
    if (!digits(text, &value) || value < 1 || value > max)
        return fault_set(why, "%s %s: a number from 1 to %" PRIu64 " is needed", flag, text, max);
    *out = value;
    return true;
}

static bool set(options *wanted, const char *flag, const char *value, fault *why) {
    if (strcmp(flag, "--input") == 0)
        wanted->input = value;
    else if (strcmp(flag, "--count") == 0)
        return number(flag, value, 100000000, &wanted->count, why);
    else if (strcmp(flag, "--seed") == 0)
        return number(flag, value, UINT64_MAX, &wanted->seed, why);
    else if (strcmp(flag, "--producers") == 0)
        return number(flag, value, PRODUCERS_MAX, &wanted->producers, why);
    else if (strcmp(flag, "--scale") == 0)
        return number(flag, value, 10000, &wanted->scale, why);
    else if (strcmp(flag, "--data-dir") == 0)
        wanted->data_dir = value;
    else if (strcmp(flag, "--backend") == 0)
        wanted->backend = value;
    else
        return fault_set(why, "unknown option %s\n%s", flag, USAGE);
    return true;
}

bool options_parse(options *wanted, int argc, char **argv, fault *why) {
    const options defaults = {NULL, 20000, 1, 4, 100, NULL, "fjall"};
    int at;
    *wanted = defaults;
    for (at = 1; at < argc; at += 2) {
        if (at + 1 == argc)
            return fault_set(why, "%s needs a value\n%s", argv[at], USAGE);
        if (!set(wanted, argv[at], argv[at + 1], why))
            return false;
    }
    return true;
}
