/*
 * The postgres room by hand: postgres_probe URL CONNECTIONS TIMEOUT_MS [nosetup]
 *
 *     up                                     prints "up 0|1"
 *     unit NAME COUNT STEP…                  submits COUNT equal units; a step is
 * statement:value,value flood TOTAL WINDOW STEP…               see probe.h; a value rows*N stands
 * for N numbers as an array nested NAME STEP…                      a unit whose callback submits it
 * again, once closing NAME STEP…                     a unit whose callback closes the pool
 *
 * Each unit prints "end NAME status sqlstate failed_step first_value", a refused start "refused
 * NAME code".
 */
#include "base/buf.h"
#include "base/log.h"
#include "postgres/pool.h"
#include "probe.h"

#include <stdio.h>
#include <stdlib.h>

static struct loop loop;
static struct postgres_pool *pool;
static bool in_start; /* a callback now would break rule 2 of the callback law */

static const char setup_sql[] =
    "begin; select pg_advisory_xact_lock(42);"
    "create table if not exists probe (id int primary key, v text not null);"
    "create table if not exists probe_rows (n int);"
    "create table if not exists probe_child (id int references probe deferrable initially "
    "deferred);"
    "commit";

static const struct postgres_prepared statements[] = {
    {"insert", "insert into probe (id, v) values ($1::int, $2)"},
    {"get", "select v from probe where id = $1::int"},
    {"count", "select count(*) from probe"},
    {"sleep", "select pg_sleep($1::float8)"},
    {"divide", "select 1 / $1::int"},
    {"child", "insert into probe_child values ($1::int)"},
    {"rows", "insert into probe_rows select * from unnest($1::int[])"},
    {"pid", "select pg_backend_pid()"},
    {"echo", "select repeat($1, $2::int)"},
    {NULL, NULL},
};

/* The steps of the last line, kept for floods. */
static struct postgres_step steps[POSTGRES_STEPS_MAX];
static const char *values[POSTGRES_STEPS_MAX][8];
static struct buf texts[POSTGRES_STEPS_MAX][8];
static int step_count;

static int statement_named(const char *name)
{
    for (int i = 0; statements[i].name; i++) {
        if (strcmp(statements[i].name, name) == 0)
            return i;
    }
    return -1;
}

static void set_value(struct buf *text, const char *word)
{
    buf_clear(text);
    long rows = strncmp(word, "rows*", 5) == 0 ? atol(word + 5) : 0;
    if (!rows)
        buf_text(text, word);
    for (long i = 0; i < rows; i++)
        buf_printf(text, "%s%ld", i ? "," : "{", i);
    buf_text(text, rows ? "}" : "");
}

static void parse_steps(int count, char **words)
{
    step_count = count;
    for (int i = 0; i < count && i < POSTGRES_STEPS_MAX; i++) {
        char *save = NULL, *name = strtok_r(words[i], ":", &save);
        steps[i] = (struct postgres_step){.statement = statement_named(name), .values = values[i]};
        for (char *w = strtok_r(NULL, ",", &save); w; w = strtok_r(NULL, ",", &save)) {
            struct buf *text = &texts[i][steps[i].params];
            set_value(text, w);
            values[i][steps[i].params++] = strcmp(w, "null") == 0 ? NULL : buf_cstr(text);
        }
    }
}

static const char *first_value(const struct postgres_outcome *outcome)
{
    PGresult *last = outcome->results ? outcome->results[outcome->steps - 1] : NULL;
    return last && PQntuples(last) && PQnfields(last) ? PQgetvalue(last, 0, 0) : "-";
}

static void say_end(const struct postgres_outcome *outcome, const char *name)
{
    if (in_start)
        abort();
    probe_say("end %s %s %s %d %.40s", name, outcome->status ? err_name(outcome->status) : "OK",
              outcome->sqlstate[0] ? outcome->sqlstate : "-", outcome->failed_step,
              first_value(outcome));
}

static void on_end(const struct postgres_outcome *outcome, void *name)
{
    say_end(outcome, name);
    free(name);
}

static int submit(const char *name, postgres_cb cb)
{
    char *copy = strdup(name);
    in_start = true;
    int rc = postgres_submit(pool, steps, step_count, cb, copy);
    in_start = false;
    if (rc != OK) {
        probe_say("refused %s %s", name, err_name(rc));
        free(copy);
    }
    return rc;
}

static void on_nested_end(const struct postgres_outcome *outcome, void *name)
{
    say_end(outcome, name);
    (void)submit("nested-again", on_end);
    free(name);
}

static void on_closing_end(const struct postgres_outcome *outcome, void *name)
{
    say_end(outcome, name);
    free(name);
    loop_stop(&loop, 0);
}

static void on_flood_end(const struct postgres_outcome *outcome, void *ctx)
{
    (void)ctx;
    probe_flood_ended(outcome->status);
}

static int start_one(void)
{
    return postgres_submit(pool, steps, step_count, on_flood_end, NULL);
}

static void on_line(int count, char **words)
{
    if (strcmp(words[0], "up") == 0)
        return probe_say("up %d", postgres_up(pool));
    if (strcmp(words[0], "flood") == 0 && count > 3) {
        parse_steps(count - 3, words + 3);
        return probe_flood(atol(words[1]), atol(words[2]), start_one);
    }
    if (strcmp(words[0], "unit") == 0 && count > 3) {
        parse_steps(count - 3, words + 3);
        for (long n = atol(words[2]); n > 0; n--)
            (void)submit(words[1], on_end);
        return;
    }
    if (count < 3)
        return probe_say("what? %s", words[0]);
    parse_steps(count - 2, words + 2);
    (void)submit(words[1], strcmp(words[0], "nested") == 0 ? on_nested_end : on_closing_end);
}

static void on_pool_closed(void *ctx)
{
    (void)ctx;
    for (int i = 0; i < POSTGRES_STEPS_MAX; i++) {
        for (int k = 0; k < 8; k++)
            buf_free(&texts[i][k]);
    }
    probe_closed();
}

static void on_close(void)
{
    in_start = true;
    postgres_pool_close(pool, on_pool_closed, NULL);
    in_start = false;
}

int main(int argc, char **argv)
{
    static const struct probe probe = {.on_line = on_line, .on_close = on_close};
    struct err err;
    if (argc < 4 || loop_init(&loop) != OK)
        return 2;
    log_setup("postgres-probe", LOG_TEXT, LOG_INFO);
    const struct postgres_pool_options options = {
        .url = argv[1],
        .connections = atoi(argv[2]),
        .setup = argc > 4 ? NULL : setup_sql,
        .statements = statements,
        .timeout_ms = atoi(argv[3]),
        .application_name = "probe",
    };
    pool = postgres_pool_new(&loop, &options, &err);
    if (!pool) {
        fprintf(stderr, "%s\n", err.text);
        return 2;
    }
    return probe_run(&loop, &probe);
}
