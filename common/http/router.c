/* The router; see router.h. */
#include "http/router.h"

#include <stdio.h>

#define ALLOW_MAX 128

/* The `:name` at a pattern's end, or NULL. */
static const char *name_of(const char *pattern)
{
    const char *slash = strrchr(pattern, '/');
    return slash && slash[1] == ':' ? slash + 1 : NULL;
}

static bool matches(const char *pattern, struct http_span path)
{
    const char *name = name_of(pattern);
    if (!name)
        return http_span_is(path, pattern);
    size_t prefix = (size_t)(name - pattern);
    return path.len > prefix && memcmp(path.data, pattern, prefix) == 0 &&
           !memchr(path.data + prefix, '/', path.len - prefix);
}

static bool takes(const struct http_route *route, const char *method)
{
    return strcmp(route->method, method) == 0 ||
           (strcmp(method, "HEAD") == 0 && strcmp(route->method, "GET") == 0 &&
            !(route->flags & HTTP_NO_HEAD));
}

static void add_allowed(char *allow, const struct http_route *route)
{
    size_t len = strlen(allow);
    bool head = strcmp(route->method, "GET") == 0 && !(route->flags & HTTP_NO_HEAD);
    snprintf(allow + len, ALLOW_MAX - len, "%s%s%s", len ? ", " : "", route->method,
             head ? ", HEAD" : "");
}

void http_router_handle(struct http_exchange *x, void *ctx)
{
    const struct http_router *router = ctx;
    const char *method = http_request_method(x);
    struct http_span path = http_request(x)->path;
    char allow[ALLOW_MAX] = "";
    for (const struct http_route *route = router->routes; route->method; route++) {
        if (!matches(route->pattern, path))
            continue;
        http_set_route(x, route->pattern);
        if (takes(route, method)) {
            route->handler(x, router->ctx);
            return;
        }
        add_allowed(allow, route);
    }
    if (!*allow) {
        http_reply_error(x, 404, "Not Found");
        return;
    }
    static const char body[] = "{\"error\":\"Method Not Allowed\"}";
    http_reply(x, &(struct http_response){.status = 405,
                                          .content_type = "application/json",
                                          .body = body,
                                          .len = sizeof body - 1,
                                          .allow = allow});
}

struct http_span http_path_value(const struct http_exchange *x)
{
    const char *name = name_of(http_route(x));
    struct http_span path = http_request(x)->path;
    if (!name)
        return (struct http_span){path.data + path.len, 0};
    size_t prefix = (size_t)(name - http_route(x));
    return (struct http_span){path.data + prefix, path.len - prefix};
}
