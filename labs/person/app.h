/*
 * The person lab's state: the loop, the server, the people and the requests that wait out their
 * delay. It lives as long as the process.
 */
#ifndef PERSON_APP_H
#define PERSON_APP_H

#include "base/buf.h"
#include "base/complaint.h"
#include "base/settings.h"
#include "http/builtin.h"
#include "http/router.h"
#include "loop/loop.h"
#include "person/delay.h"
#include "person/people.h"
#include "person/usage.h"

struct settings {
    const char *listen, *log_format, *log_level;
    struct setting_range get_delay, list_delay, post_delay, put_delay, delete_delay;
    int64_t people_max;
};

struct app {
    struct settings settings;
    struct loop loop;
    struct http_server *server;
    struct http_router router;
    struct http_builtin builtin;
    struct people people;
    struct delays delays;
    struct usage usage;
    struct buf scratch; /* an answer while it is written */
    struct complaint full;
};

/* Starts everything and listens. 0 or a negative code (ERR_INVALID: a setting is wrong), with the
 * reason logged. */
int app_start(struct app *app) MUST_CHECK;

/* After the loop. */
void app_free(struct app *app);

#endif
