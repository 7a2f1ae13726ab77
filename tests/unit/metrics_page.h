/* For the tests of metrics: an exposition as one text, and values read out of it. */
#ifndef TESTS_METRICS_PAGE_H
#define TESTS_METRICS_PAGE_H

/* cmocka.h wants these first */
#include "metrics/metrics.h"
#include "metrics/testing.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* The caller frees it. */
static inline char *page_of(struct metrics_registry *registry)
{
    struct buf out = {0};
    assert_int_equal(metrics_registry_write_text(registry, &out), OK);
    char *text = strdup(buf_cstr(&out));
    buf_free(&out);
    return text;
}

/* The value of a series; NaN where there is none. */
static inline double page_value(struct metrics_registry *registry, const char *series)
{
    return metric_value(registry, series);
}

static inline double errors_of(const char *reason)
{
    char series[100];
    snprintf(series, sizeof series, "metrics_errors_total{reason=\"%s\"}", reason);
    return page_value(&metrics_default, series);
}

static inline void assert_page(struct metrics_registry *registry, const char *expected)
{
    char *page = page_of(registry);
    assert_string_equal(page, expected);
    free(page);
}

#endif
