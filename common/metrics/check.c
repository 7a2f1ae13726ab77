/* Is a declaration a good one? Names and limits are Prometheus's; see metrics.h. */
#include "metrics/internal.h"

#include <math.h>
#include <string.h>

static bool is_name(const char *s, bool colons)
{
    for (const char *p = s; *p; p++) {
        bool letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || *p == '_';
        bool digit = *p >= '0' && *p <= '9' && p > s;
        if (!letter && !digit && !(colons && *p == ':'))
            return false;
    }
    return *s;
}

bool metric_is_label_name(const char *text)
{
    return is_name(text, false);
}

static const char *reserved_label(enum metric_type type)
{
    return type == METRIC_HISTOGRAM ? "le" : type == METRIC_SUMMARY ? "quantile" : "";
}

static int check_label(const struct metric_spec *spec, unsigned i, struct err *err)
{
    const char *label = spec->labels[i];
    if (!label || !is_name(label, false))
        return err_set(err, ERR_INVALID, "\"%s\" is no label name", label ? label : "");
    if (!strncmp(label, "__", 2) || !strcmp(label, reserved_label(spec->type)))
        return err_set(err, ERR_INVALID, "the label \"%s\" is reserved", label);
    for (unsigned k = 0; k < i; k++)
        if (!strcmp(label, spec->labels[k]))
            return err_set(err, ERR_INVALID, "the label \"%s\" is there twice", label);
    return OK;
}

static int check_labels(const struct metric_spec *spec, struct err *err)
{
    if (spec->n_labels > METRICS_MAX_LABELS)
        return err_set(err, ERR_INVALID, "more than %d labels", METRICS_MAX_LABELS);
    if (spec->n_labels && !spec->labels)
        return err_set(err, ERR_INVALID, "the labels are missing");
    int rc = OK;
    for (unsigned i = 0; i < spec->n_labels && rc == OK; i++)
        rc = check_label(spec, i, err);
    return rc;
}

/* Their values are checked when they are computed. */
static int check_classic(const struct metric_buckets *b, struct err *err)
{
    if (b->n > METRICS_MAX_BUCKETS)
        return err_set(err, ERR_INVALID, "more than %d buckets", METRICS_MAX_BUCKETS);
    return OK;
}

static int check_native(const struct metric_native *n, struct err *err)
{
    if (n->factor != 0 && !(n->factor > 1 && n->factor <= 65536))
        return err_set(err, ERR_INVALID, "a factor of %g is not in (1, 65536]", n->factor);
    if (n->zero_threshold != 0 &&
        !(n->zero_threshold >= METRICS_NATIVE_ZERO_THRESHOLD && isfinite(n->zero_threshold)))
        return err_set(err, ERR_INVALID, "a zero threshold of %g, below 2^-128", n->zero_threshold);
    if (!(n->max_zero_threshold >= 0 && isfinite(n->max_zero_threshold)))
        return err_set(err, ERR_INVALID, "a zero threshold of up to %g", n->max_zero_threshold);
    if (!(n->min_reset >= 0))
        return err_set(err, ERR_INVALID, "a reset after %g seconds", n->min_reset);
    if (n->classic && n->classic->native)
        return err_set(err, ERR_INVALID, "native buckets besides native ones");
    return n->classic ? check_classic(n->classic, err) : OK;
}

static int check_buckets(const struct metric_buckets *b, struct err *err)
{
    if (!b)
        return err_set(err, ERR_INVALID, "the buckets are missing");
    return b->native ? check_native(b->native, err) : check_classic(b, err);
}

static int check_summary(const struct metric_spec *spec, struct err *err)
{
    if (spec->window != 0 && !(spec->window >= 1e-3 && spec->window <= 1e9))
        return err_set(err, ERR_INVALID, "a window of %g seconds", spec->window);
    const struct metric_quantiles *q = spec->quantiles;
    if (q && q->n > METRICS_MAX_QUANTILES)
        return err_set(err, ERR_INVALID, "more than %d quantiles", METRICS_MAX_QUANTILES);
    for (unsigned i = 0; q && i < q->n; i++)
        if (!(q->at[i] >= 0 && q->at[i] <= 1))
            return err_set(err, ERR_INVALID, "quantile %g is not in [0, 1]", q->at[i]);
        else if (i && q->at[i] <= q->at[i - 1])
            return err_set(err, ERR_INVALID, "quantiles must ascend: %g after %g", q->at[i],
                           q->at[i - 1]);
    return OK;
}

static bool ends_in(const char *name, const char *suffix)
{
    size_t len = strlen(name), n = strlen(suffix);
    return len > n && !strcmp(name + len - n, suffix);
}

static int check_info(const struct metric_spec *spec, struct err *err)
{
    if (!ends_in(spec->name, "_info"))
        return err_set(err, ERR_INVALID, "the name of an info ends in _info");
    if (!spec->n_labels)
        return err_set(err, ERR_INVALID, "an info says nothing without labels");
    return OK;
}

static int check_states(const struct metric_spec *spec, struct err *err)
{
    if (!spec->states || !spec->n_states)
        return err_set(err, ERR_INVALID, "the states are missing");
    if (spec->n_states > METRICS_MAX_STATES)
        return err_set(err, ERR_INVALID, "more than %d states", METRICS_MAX_STATES);
    for (unsigned i = 0; i < spec->n_states; i++)
        for (unsigned k = 0; k <= i; k++)
            if (!spec->states[i] || !*spec->states[i] || !metric_utf8_valid(spec->states[i]))
                return err_set(err, ERR_INVALID, "state %u has no name", i + 1);
            else if (k < i && !strcmp(spec->states[i], spec->states[k]))
                return err_set(err, ERR_INVALID, "the state \"%s\" is there twice",
                               spec->states[i]);
    for (unsigned i = 0; i < spec->n_labels; i++)
        if (!strcmp(spec->labels[i], spec->name))
            return err_set(err, ERR_INVALID, "the label \"%s\" is reserved", spec->name);
    return OK;
}

static int check_read(const struct metric_spec *spec, struct err *err)
{
    if (spec->read && spec->type != METRIC_COUNTER && spec->type != METRIC_GAUGE)
        return err_set(err, ERR_INVALID, "only a counter or a gauge is read by a function");
    if (spec->read && spec->n_labels)
        return err_set(err, ERR_INVALID, "what is read by a function has no labels");
    return OK;
}

static int check_type(const struct metric_spec *spec, struct err *err)
{
    switch (spec->type) {
    case METRIC_COUNTER:
    case METRIC_GAUGE:
        return OK;
    case METRIC_HISTOGRAM:
        return check_buckets(spec->buckets, err);
    case METRIC_SUMMARY:
        return check_summary(spec, err);
    case METRIC_INFO:
        return check_info(spec, err);
    case METRIC_STATESET:
        return check_states(spec, err);
    }
    return err_set(err, ERR_INVALID, "there is no type %d", (int)spec->type);
}

int metric_spec_check(const struct metric_spec *spec, struct err *err)
{
    if (!spec->name || !is_name(spec->name, true))
        return err_set(err, ERR_INVALID, "this is no metric name");
    if (!spec->help || !*spec->help)
        return err_set(err, ERR_INVALID, "the help text is missing");
    int rc = check_labels(spec, err);
    if (rc == OK)
        rc = check_type(spec, err);
    return rc == OK ? check_read(spec, err) : rc;
}

/* The length of the name that OpenMetrics gives the family. */
static size_t base_len(const struct metric_spec *spec)
{
    const char *cut = spec->type == METRIC_COUNTER ? "_total"
                      : spec->type == METRIC_INFO  ? "_info"
                                                   : "";
    size_t len = strlen(spec->name);
    return ends_in(spec->name, cut) ? len - strlen(cut) : len;
}

bool metric_spec_takes_name(const struct metric_spec *spec, const char *name)
{
    static const char *const suffixes[][5] = {
        [METRIC_COUNTER] = {"", "_total", "_created"},
        [METRIC_GAUGE] = {""},
        [METRIC_HISTOGRAM] = {"", "_bucket", "_sum", "_count", "_created"},
        [METRIC_SUMMARY] = {"", "_sum", "_count", "_created"},
        [METRIC_INFO] = {"", "_info"},
        [METRIC_STATESET] = {""},
    };
    size_t len = base_len(spec);
    bool is_unknown = spec->type == METRIC_COUNTER && !spec->name[len]; /* without _total */
    if (strncmp(name, spec->name, len) != 0)
        return false;
    for (unsigned i = 0; i < (is_unknown ? 1 : 5) && suffixes[spec->type][i]; i++)
        if (!strcmp(name + len, suffixes[spec->type][i]))
            return true;
    return false;
}

bool metric_specs_clash(const struct metric_spec *a, const struct metric_spec *b)
{
    size_t len = base_len(a);
    bool one_family = len == base_len(b) && !memcmp(a->name, b->name, len);
    return one_family || metric_spec_takes_name(a, b->name) || metric_spec_takes_name(b, a->name);
}
