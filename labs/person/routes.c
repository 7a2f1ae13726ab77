/* The whole API on one screen, and what of it takes a delay. A pattern is also the metrics' `path`,
 * so that there are as many series as patterns, and not as many as people. */
#include "person/routes.h"

#include "http/builtin.h"
#include "person/app.h"
#include "person/handlers.h"

static void list(struct http_exchange *x, void *context)
{
    struct app *app = context;
    delay(&app->delays, app->settings.list_delay, x, people_list, app);
}

static void get(struct http_exchange *x, void *context)
{
    struct app *app = context;
    delay(&app->delays, app->settings.get_delay, x, person_get, app);
}

static void post(struct http_exchange *x, void *context)
{
    struct app *app = context;
    delay(&app->delays, app->settings.post_delay, x, person_post, app);
}

static void put(struct http_exchange *x, void *context)
{
    struct app *app = context;
    delay(&app->delays, app->settings.put_delay, x, person_put, app);
}

static void delete (struct http_exchange *x, void *context)
{
    struct app *app = context;
    delay(&app->delays, app->settings.delete_delay, x, person_delete, app);
}

const struct http_route person_routes[] = {
    {"GET", "/person/list", list}, /* before /person/:id, which it would be one of */
    {"GET", "/person/:id", get},
    {"GET", "/persons/:id", get},
    {"POST", "/person", post},
    {"PUT", "/person/:id", put},
    {"DELETE", "/person/:id", delete},
    HTTP_BUILTIN_ROUTES,
    {NULL},
};
