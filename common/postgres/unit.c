/* Units of work; see unit.h. */
#include "postgres/unit.h"

#include <assert.h>
#include <stdlib.h>

COUNTER_VEC(postgres_errors, "postgres_errors_total",
            "Units of work that failed, by class: of the SQLSTATE, or of what went wrong.", class);

/* Room for the copies behind the unit: pointers first, for their alignment. */
struct room {
    const char **values;
    int *lengths, *formats;
    char *bytes;
};

static bool is_binary(const struct postgres_step *step, int i)
{
    return step->formats && step->formats[i] == 1;
}

/* Without the terminator. */
static size_t value_size(const struct postgres_step *step, int i)
{
    return is_binary(step, i) ? (size_t)step->lengths[i] : strlen(step->values[i]);
}

static bool step_is_valid(const struct postgres_step *step)
{
    if (step->statement < 0 || step->params < 0 || step->params > UINT16_MAX)
        return false;
    for (int i = 0; i < step->params; i++) {
        if (is_binary(step, i) && step->values[i] && (!step->lengths || step->lengths[i] < 0))
            return false;
    }
    return true;
}

static int measure(const struct postgres_step *steps, int count, size_t *params, size_t *bytes)
{
    if (count < 1 || count > POSTGRES_STEPS_MAX)
        return ERR_INVALID;
    for (const struct postgres_step *step = steps; step < steps + count; step++) {
        if (!step_is_valid(step))
            return ERR_INVALID;
        *params += (size_t)step->params;
        for (int i = 0; i < step->params; i++)
            *bytes += step->values[i] ? value_size(step, i) + 1 : 0;
    }
    return *bytes > POSTGRES_UNIT_BYTES_MAX ? ERR_TOO_LARGE : OK;
}

static void copy_step(struct room *room, struct postgres_step *to, const struct postgres_step *from)
{
    *to = *from;
    to->values = room->values;
    to->lengths = room->lengths;
    to->formats = room->formats;
    for (int i = 0; i < from->params; i++) {
        size_t size = from->values[i] ? value_size(from, i) : 0;
        *room->values++ = from->values[i] ? room->bytes : NULL;
        *room->lengths++ = (int)size;
        *room->formats++ = is_binary(from, i);
        if (!from->values[i])
            continue;
        memcpy(room->bytes, from->values[i], size);
        room->bytes[size] = '\0';
        room->bytes += size + 1;
    }
}

int postgres_unit_new(const struct postgres_step *steps, int count, struct postgres_unit **out)
{
    size_t params = 0, bytes = 0;
    int rc = measure(steps, count, &params, &bytes);
    if (rc != OK)
        return rc;
    struct postgres_unit *unit =
        malloc(sizeof *unit + params * (sizeof(char *) + 2 * sizeof(int)) + bytes);
    if (!unit)
        return ERR_NOMEM;
    *unit = (struct postgres_unit){.count = count, .failed_step = -1};
    list_init(&unit->item);
    struct room room = {.values = (const char **)(unit + 1)};
    room.lengths = (int *)(room.values + params);
    room.formats = room.lengths + params;
    room.bytes = (char *)(room.formats + params);
    for (int i = 0; i < count; i++)
        copy_step(&room, &unit->steps[i], &steps[i]);
    *out = unit;
    return OK;
}

/* Results ------------------------------------------------------------------------------------- */

static bool is_error(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK && status != PGRES_EMPTY_QUERY;
}

/* An error behind the last step is that of the commit: a constraint that was deferred to it. */
static void take_error(struct postgres_unit *unit, PGresult *result)
{
    if (PQresultStatus(result) == PGRES_PIPELINE_ABORTED || unit->error)
        return PQclear(result);
    unit->error = result;
    unit->failed_step = unit->ended < unit->count ? unit->ended : -1;
}

void postgres_unit_result(struct postgres_unit *unit, PGresult *result)
{
    if (!result) {
        unit->has_result = false;
        unit->ended++;
        return;
    }
    unit->has_result = true;
    if (is_error(result))
        take_error(unit, result);
    else if (unit->ended < unit->count && !unit->results[unit->ended])
        unit->results[unit->ended] = result;
    else
        PQclear(result);
}

/* The end ------------------------------------------------------------------------------------- */

/* SQLSTATE's first two characters say what kind of error it is; those worth a look of their own. */
static const char *class_of(int status, const char *sqlstate)
{
    static const struct {
        const char *prefix, *class;
    } classes[] = {{"22", "data"},      {"23", "constraint"}, {"40", "conflict"},
                   {"53", "resources"}, {"42", "definition"}, {"57014", "timeout"},
                   {"55P03", "timeout"}};
    if (status != ERR_REFUSED)
        return status == ERR_TIMEOUT       ? "timeout"
               : status == ERR_UNAVAILABLE ? "unavailable"
                                           : "lost";
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        if (strncmp(sqlstate, classes[i].prefix, strlen(classes[i].prefix)) == 0)
            return classes[i].class;
    }
    return "other";
}

void postgres_unit_bind_metrics(void)
{
    static const char *const all[] = {"data",      "constraint",  "conflict",
                                      "resources", "definition",  "timeout",
                                      "lost",      "unavailable", "other"};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        (void)with(postgres_errors, .class = all[i]);
}

static void set_refusal(struct postgres_outcome *outcome, const struct postgres_unit *unit)
{
    const char *sqlstate = PQresultErrorField(unit->error, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(unit->error, PG_DIAG_MESSAGE_PRIMARY);
    outcome->status = ERR_REFUSED;
    outcome->message = message ? message : "";
    outcome->failed_step = unit->failed_step;
    memccpy(outcome->sqlstate, sqlstate ? sqlstate : "", '\0', sizeof outcome->sqlstate - 1);
}

static void clear(struct postgres_unit *unit)
{
    for (int i = 0; i < unit->count; i++)
        PQclear(unit->results[i]);
    PQclear(unit->error);
    free(unit);
}

void postgres_unit_end(struct postgres_unit *unit, int status, const char *message)
{
    struct postgres_outcome outcome = {
        .status = status, .message = message, .failed_step = -1, .steps = unit->count};
    assert(list_empty(&unit->item));
    if (status == OK && unit->error)
        set_refusal(&outcome, unit);
    if (outcome.status == OK)
        outcome.results = unit->results;
    else
        counter_inc(with(postgres_errors, .class = class_of(outcome.status, outcome.sqlstate)));
    histogram_observe(unit->seconds, clock_seconds(unit->submitted, clock_now()));
    unit->cb(&outcome, unit->ctx);
    clear(unit);
}
