/* The whole API on one screen. A pattern is also the metrics' `endpoint`. */
#include "frontend/routes.h"

#include "frontend/fruit_get.h"
#include "frontend/fruit_post.h"
#include "frontend/hello.h"
#include "frontend/stats.h"
#include "http/builtin.h"

const struct http_route frontend_routes[] = {
    {"GET", "/hello", hello_get, HTTP_NO_HEAD}, /* it publishes, which HEAD must not */
    {"GET", "/fruit", fruit_get},
    {"POST", "/fruit", fruit_post},
    {"GET", "/stats", stats_get},
    {"GET", "/metrics", http_metrics}, /* [0] */
    {"GET", "/health", http_health},
    {"GET", "/ready", http_ready},
    {NULL},
};
