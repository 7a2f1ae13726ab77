"""Frontend, RED: the rate of requests, their errors, their duration."""

from panels import heatmap, page, stat, timeseries

USERS = 'endpoint=~"/hello|/fruit"'


def quantile(q, selector):
    return f'histogram_quantile({q}, sum by (le) (rate(http_latency_bucket{{{selector}}}[$__rate_interval])))'


PAGE = page("frontend", "Frontend", "RED: the rate of requests, their errors and how long they take.", [
    "Rate",
    [
        timeseries("Requests answered, by endpoint", "reqps", {
            "{{method}} {{endpoint}}": '''sum by (method, endpoint)
                (rate(http_requests_total{job="frontend",method=~"GET|POST",endpoint!="other"}[$__rate_interval])) > 0''',
        }, """Shows requests a second, Prometheus's own at /metrics included. Normal: GET /hello, GET /fruit and POST
           /fruit about the same. Otherwise: one that is missing is not asked for, or answered so late that few get
           through."""),
        timeseries("Requests that did some work", "reqps", {
            "hello_total": 'sum(rate(hello_total[$__rate_interval]))',
            "fruit_requests_total": 'sum(rate(fruit_requests_total[$__rate_interval]))',
        }, """Shows requests that reached the handler of /hello, and those to /fruit that passed validation. Normal:
           the sum is the rate beside it without /metrics and /health. Otherwise: the difference was refused, as
           unknown fruits or bad JSON; Errors says with which code."""),
        timeseries("Fruit ordered in the last minute", "short", {
            "{{fruit}}": 'max by (fruit) (recent_fruits)',
        }, """Shows the quantity of each fruit as GET /fruit?name= last answered it; a gauge. Normal: five lines that
           move about each other, with oranges ahead because of the generator. Otherwise: flat lines mean that nobody
           asks, falling ones that no more orders are stored."""),
    ],
    "Errors",
    [
        timeseries("Answers that are not 2xx, by code", "reqps", {
            "{{code}}": 'sum by (code) (rate(http_requests_total{job="frontend",code=~"400|404|405|415|503"}[$__rate_interval]))',
        }, """Shows refusals a second. Normal: all 0. Otherwise: 4xx is the asker's doing (400 and 415 bad input, 404
           no such page), 503 ours: the broker, or cache and database, cannot be reached; /ready names which.""", width=2),
        stat("GET /hello fails", "percentunit", {
            "failed": '''sum(rate(http_requests_total{endpoint="/hello",code=~"5.."}[$__rate_interval]))
                / sum(rate(http_requests_total{endpoint="/hello"}[$__rate_interval]))''',
        }, """Shows the share of 5xx among the answers of /hello. Normal: 0; the objective allows 1 %. Otherwise:
           /hello needs RabbitMQ alone, so look there.""", limits={0.001: "orange", 0.01: "red"}, height=8, decimals=2),
        stat("/fruit fails", "percentunit", {
            "failed": '''sum(rate(http_requests_total{endpoint="/fruit",code=~"5.."}[$__rate_interval]))
                / sum(rate(http_requests_total{endpoint="/fruit"}[$__rate_interval]))''',
        }, """Shows the share of 5xx among the answers of /fruit. Normal: 0; the objective allows 1 %. Otherwise:
           POST needs RabbitMQ, GET needs Redis or PostgreSQL.""", limits={0.001: "orange", 0.01: "red"}, height=8, decimals=2),
        timeseries("Refused before a handler saw it", "reqps", {
            "refused": 'sum(rate(http_rejected_total{job="frontend"}[$__rate_interval]))',
        }, """Shows requests a second that are no proper HTTP, too large or too slow, and connections beyond the
           limit. Normal: 0. Otherwise: http_rejected_total{reason} says why; a scanner, or a client with a fault.""",
                   width=2),
    ],
    "Duration",
    [
        heatmap("Latency of every request", "s",
                f'sum by (le) (increase(http_latency_bucket{{{USERS}}}[$__rate_interval]))',
                """Shows how many requests fell into which bucket: the darker the more. Normal: a band below 10 ms,
                which is /fruit, and one from 0.1 to 0.5 s, which is /hello with its pretended work. Otherwise: a
                band that climbs is slowness for all, a new one above is slowness for some. An exemplar is one
                request; its trace_id leads to that request's log lines.""", width=3),
        timeseries("Latency by quantile", "s", {
            "half": quantile(0.5, USERS), "95 %": quantile(0.95, USERS), "99 %": quantile(0.99, USERS),
            "GET /hello, 99 %": quantile(0.99, 'endpoint="/hello"'),
        }, """Shows how long half, 95 and 99 of 100 requests take at most. Normal: all below 0.5 s; the objective of
           GET /hello is 0.75 s, the dashed line. Otherwise: see below whether the event loop, the broker or the
           database is slow.""", exemplars=True, limits={0.75: "red"}, width=2),
    ],
    [
        timeseries("Sums answered from the cache", "reqps", {
            "{{result}}": 'sum by (result) (rate(cache_requests_total[$__rate_interval]))',
        }, """Shows look-ups of GET /fruit by what Redis said. Normal: hits and misses, each order deletes its
           fruit's sum, so the more orders the fewer hits. Otherwise: errors mean that Redis is away and PostgreSQL
           serves alone.""",
                   stacked=True),
        timeseries("What the frontend waits for, 95 %", "s", {
            "the broker's confirm": '''histogram_quantile(0.95, sum by (le)
                (rate(amqp_confirm_seconds_bucket{job="frontend"}[$__rate_interval])))''',
            "a query of PostgreSQL": '''histogram_quantile(0.95, sum by (le)
                (rate(postgres_query_seconds_bucket{job="frontend"}[$__rate_interval])))''',
            "a command of Redis": '''histogram_quantile(0.95, sum by (le)
                (rate(redis_command_seconds_bucket{job="frontend"}[$__rate_interval])))''',
        }, """Shows how long 95 of 100 questions to each server take at most. Normal: a few milliseconds each.
           Otherwise: the one that climbs is the cause; it has a page of its own."""),
        timeseries("Share of time that the event loop is busy", "percentunit", {
            "{{instance}}": '1 - rate(libuv_loop_idle_seconds_total{job="frontend"}[$__rate_interval])',
        }, """Shows how much of its one thread the frontend uses. Normal: a few percent at tens of requests a second.
           Otherwise: near 100 % every request waits behind others; start another frontend.""", high=1,
                   limits={0.8: "red"}),
    ],
])
