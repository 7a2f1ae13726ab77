/* grpc-timeout; see timeout.h. */
#include "grpc/timeout.h"

#include <stdio.h>

enum { DIGITS_MAX = 8, LARGEST = 99999999 };

/* A unit as a fraction of milliseconds, so that no float is needed. */
static int to_ms(char unit, uint64_t value, uint64_t *ms)
{
    switch (unit) {
    case 'H':
        return *ms = value * 3600000, OK;
    case 'M':
        return *ms = value * 60000, OK;
    case 'S':
        return *ms = value * 1000, OK;
    case 'm':
        return *ms = value, OK;
    case 'u':
        return *ms = (value + 999) / 1000, OK;
    case 'n':
        return *ms = (value + 999999) / 1000000, OK;
    default:
        return ERR_INVALID;
    }
}

int grpc_timeout_parse(const char *text, size_t len, uint64_t *ms)
{
    uint64_t value = 0;
    if (len < 2 || len > DIGITS_MAX + 1)
        return ERR_INVALID;
    for (size_t i = 0; i < len - 1; i++) {
        if (text[i] < '0' || text[i] > '9')
            return ERR_INVALID;
        value = 10 * value + (uint64_t)(text[i] - '0');
    }
    return to_ms(text[len - 1], value, ms);
}

void grpc_timeout_write(char field[GRPC_TIMEOUT_FIELD], uint64_t ms)
{
    static const struct {
        char unit;
        unsigned ms;
    } units[] = {{'m', 1}, {'S', 1000}, {'M', 60000}, {'H', 3600000}};
    uint64_t value = ms;
    int i = 0;
    while (value > LARGEST && i < 3) {
        i++;
        value = ms / units[i].ms + (ms % units[i].ms != 0);
    }
    value = value > LARGEST ? LARGEST : value;
    snprintf(field, GRPC_TIMEOUT_FIELD, "%u%c", (unsigned)value, units[i].unit);
}
