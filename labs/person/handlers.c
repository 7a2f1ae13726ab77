/* The API; see handlers.h. */
#include "person/handlers.h"

#include "base/clock.h"
#include "base/log.h"
#include "metrics/metrics.h"
#include "person/app.h"
#include "person/json.h"

#include <stdio.h>

GAUGE(store_count, "person_store_count", "People in the store.");
COUNTER(created, "person_created_total", "People that were created.");
COUNTER(deleted, "person_deleted_total", "People that were deleted.");
COUNTER(not_found, "person_not_found_total", "Requests for a person that does not exist.");
HISTOGRAM(payload, "person_payload_size_bytes", "Bytes of the bodies of POST and PUT.",
          BUCKETS_EXPONENTIAL(100, 2, 10));

/* Answers -------------------------------------------------------------------------------------- */

static void reply_unavailable(struct http_exchange *x)
{
    http_reply_error(x, 503, "Out of memory");
}

static void reply_not_found(struct http_exchange *x)
{
    counter_inc(&not_found);
    http_reply_error(x, 404, "No such person");
}

/* What the scratch buffer holds. */
static void reply_scratch(struct http_exchange *x, struct app *app, int status, const char *headers)
{
    if (!buf_ok(&app->scratch)) {
        reply_unavailable(x);
        return;
    }
    http_reply(x, &(struct http_response){.status = status,
                                          .content_type = "application/json",
                                          .body = buf_data(&app->scratch),
                                          .len = buf_len(&app->scratch),
                                          .headers = headers});
}

static void reply_person(struct http_exchange *x, struct app *app, int status,
                         const struct person *person)
{
    char location[64];
    snprintf(location, sizeof location, "Location: /person/%llu\r\n",
             (unsigned long long)person->id);
    buf_clear(&app->scratch);
    person_write(&app->scratch, person);
    reply_scratch(x, app, status, status == 201 ? location : NULL);
}

/* Every few seconds, not with each of the thousands of requests that meet the limit. */
static void reply_full(struct http_exchange *x, struct app *app)
{
    if (complaint_due(&app->full, "full", loop_ms(&app->loop)))
        log_warn("the store is full", LOG_INT("people", (long long)app->people.count));
    http_reply_error(x, 507, "The store is full");
}

static void reply_fault(struct http_exchange *x, struct app *app, const struct err *err)
{
    if (err->code == ERR_NOT_FOUND)
        reply_not_found(x);
    else if (err->code == ERR_FULL)
        reply_full(x, app);
    else if (err->code == ERR_INVALID)
        http_reply_error(x, 400, err->text);
    else
        reply_unavailable(x);
}

/* Reading -------------------------------------------------------------------------------------- */

static uint64_t asked_id(const struct http_exchange *x)
{
    struct http_span id = http_path_value(x);
    return person_id_parse(id.data, id.len);
}

void person_get(struct http_exchange *x, void *context)
{
    struct app *app = context;
    const struct person *person = people_find(&app->people, asked_id(x));
    if (person)
        reply_person(x, app, 200, person);
    else
        reply_not_found(x);
}

static bool asked_start(const struct http_exchange *x, uint64_t *start)
{
    char text[24];
    int found = http_query(http_request(x), "start", text, sizeof text);
    *start = 0;
    return found == 0 || (found == 1 && person_number_parse(text, strlen(text), UINT64_MAX, start));
}

static void write_page(struct buf *out, const struct people *people, uint64_t start)
{
    buf_clear(out);
    buf_char(out, '[');
    for (uint64_t i = start; i < people->count && i - start < PEOPLE_PAGE; i++) {
        buf_text(out, i == start ? "" : ",");
        person_write(out, people_at(people, (size_t)i));
    }
    buf_char(out, ']');
}

void people_list(struct http_exchange *x, void *context)
{
    struct app *app = context;
    uint64_t start;
    char total[48];
    if (!asked_start(x, &start)) {
        http_reply_error(x, 400, "start must be a whole number from 0");
        return;
    }
    write_page(&app->scratch, &app->people, start);
    snprintf(total, sizeof total, "X-Total-Count: %zu\r\n", app->people.count);
    reply_scratch(x, app, 200, total);
}

/* Changing ------------------------------------------------------------------------------------- */

static int read_body(const struct http_exchange *x, bool all, struct person_input *in,
                     struct err *err)
{
    struct http_span body = http_request(x)->body;
    histogram_observe(&payload, (double)body.len);
    return person_read(body.data, body.len, all, in, err);
}

static void count_people(struct app *app)
{
    gauge_set(&store_count, (double)app->people.count);
}

void person_post(struct http_exchange *x, void *context)
{
    struct app *app = context;
    struct person_input in;
    const struct person *person = NULL;
    struct err err = {0};
    if (read_body(x, true, &in, &err) == OK) {
        err.code = people_add(&app->people, in.values, clock_wall_ms(), &person);
        person_input_free(&in);
    }
    if (!person) {
        reply_fault(x, app, &err);
        return;
    }
    counter_inc(&created);
    count_people(app);
    reply_person(x, app, 201, person);
}

void person_put(struct http_exchange *x, void *context)
{
    struct app *app = context;
    struct person_input in;
    const struct person *person = NULL;
    struct err err = {0};
    uint64_t id = asked_id(x);
    if (read_body(x, false, &in, &err) == OK) {
        err.code = people_change(&app->people, id, in.values, clock_wall_ms(), &person);
        person_input_free(&in);
    }
    if (person)
        reply_person(x, app, 200, person);
    else
        reply_fault(x, app, &err);
}

void person_delete(struct http_exchange *x, void *context)
{
    struct app *app = context;
    if (people_remove(&app->people, asked_id(x)) != OK) {
        reply_not_found(x);
        return;
    }
    counter_inc(&deleted);
    count_people(app);
    complaint_clear(&app->full);
    http_reply(x, &(struct http_response){.status = 204});
}
