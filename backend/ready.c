/* What /ready asks; see ready.h. */
#include "backend/ready.h"

#include "backend/app.h"

static bool consumer_up(void *app)
{
    return amqp_consumer_up(((struct app *)app)->consumer);
}
static bool publisher_up(void *app)
{
    return amqp_publisher_up(((struct app *)app)->publisher);
}
static bool postgres_is_up(void *app)
{
    return postgres_up(((struct app *)app)->postgres);
}
static bool redis_is_up(void *app)
{
    return redis_up(((struct app *)app)->redis);
}

void ready_setup(struct app *app)
{
    app->dependencies[0] = (struct http_dependency){"consumer", consumer_up, app};
    app->dependencies[1] = (struct http_dependency){"publisher", publisher_up, app};
    app->dependencies[2] = (struct http_dependency){"postgres", postgres_is_up, app};
    app->dependencies[3] = (struct http_dependency){"redis", redis_is_up, app, .optional = true};
    app->builtin = (struct http_builtin){&app->loop, app->dependencies};
    http_builtin_setup(&app->builtin);
}
