"""Overview: the pipeline from a request to its row, in the order in which to read it."""

from panels import page, stat, timeseries

PUBLISHED = 'rabbitmq_global_messages_routed_total'
WAITING = 'rabbitmq_detailed_queue_messages{queue="task_queue"}'
USERS = 'endpoint=~"/hello|/fruit"'
# What has no value while its server is dead would stay green at its last one: it gets one that no server gives.
NO_REQUESTS = {-1: ("No requests", "orange")}
NO_ANSWER = {-1: ("No answer", "red")}

PAGE = page("overview", "Overview", "From a request to its row: what comes in, what waits, what is stored.", [
    [
        stat("Requests a second", "reqps", {
            "requests": f'sum(rate(http_requests_total{{{USERS}}}[$__rate_interval])) or vector(0)',
        }, """Shows how many requests to /hello and /fruit the frontends answer. Normal: about what traffic was told
           to make (10 users make some 25). Otherwise: look at Traffic, whether it still asks, and at Frontend.""",
             limits={0.01: "green"}, color_below="orange"),
        stat("Requests that fail", "percentunit", {
            "failed": f'''sum(rate(http_requests_total{{{USERS},code=~"5.."}}[$__rate_interval]))
                / sum(rate(http_requests_total{{{USERS}}}[$__rate_interval])) >= 0 or vector(-1)''',
        }, """Shows the share of answers with a code of 5xx. Normal: 0. Otherwise: Frontend tells which endpoint; a
           503 means that RabbitMQ, or Redis and PostgreSQL, cannot be reached.""",
             limits={0.001: "orange", 0.01: "red"}, decimals=2, words=NO_REQUESTS, low=0),
        stat("95 % answered within", "s", {
            "p95": f'''histogram_quantile(0.95, sum by (le) (rate(http_latency_bucket{{{USERS}}}[$__rate_interval])))
                >= 0 or vector(-1)''',
        }, """Shows the latency that 95 of 100 requests stay below. Normal: under half a second, since GET /hello
           dawdles for 100 to 500 ms. Otherwise: the heat map of Frontend tells whether all are slow or some.""",
             limits={0.6: "orange", 0.75: "red"}, words=NO_REQUESTS, low=0),
        stat("Messages that wait", "short", {
            "ready": 'sum(rabbitmq_detailed_queue_messages_ready{queue="task_queue"}) or vector(-1)',
        }, """Shows how many messages in task_queue no worker has taken yet. Normal: 0 to a few. Otherwise: the
           backend is gone or slower than what comes in; look at Backend and queue.""",
             limits={1000: "orange", 10000: "red"}, words=NO_ANSWER, low=0),
        stat("Rows stored a second", "rowsps", {
            "rows": 'sum(rate(worker_jobs_total{kind="fruit",result="stored"}[$__rate_interval])) or vector(0)',
        }, """Shows how many orders become rows in PostgreSQL. Normal: the rate of POST /fruit plus about 3 of the
           generator. Otherwise: compare with the queue's depth; if that grows, the backend cannot keep up. 0 is a
           backend that is dead, or that cannot reach PostgreSQL.""", limits={0.01: "green"}, color_below="red"),
        stat("Targets down", "short", {
            "down": 'sum(1 - up) + (sum(1 - probe_success) or vector(0))',
        }, """Shows how many of the pages that Prometheus reads, or that it has probed, do not answer. Normal: 0.
           Otherwise: Prometheus has them by name.""", limits={1: "red"}),
    ],
    [
        timeseries("Requests the frontends answer, by endpoint", "reqps", {
            "{{method}} {{endpoint}}": f'''sum by (method, endpoint)
                (rate(http_requests_total{{{USERS},method=~"GET|POST"}}[$__rate_interval]))''',
        }, """Shows what users ask for. Normal: three lines of about the same height. Otherwise: a line that falls to
           0 is an endpoint nobody asks for any more, or that takes too long to answer.""", stacked=True),
        timeseries("Messages into the queue, by producer", "short", {
            "frontend": 'sum(rate(amqp_published_total{job="frontend",result="confirmed"}[$__rate_interval])) or vector(0)',
            "generator": 'sum(rate(generator_messages_total[$__rate_interval])) or vector(0)',
            "others": f'''clamp_min(sum(rate({PUBLISHED}[$__rate_interval]))
                - sum(rate(amqp_published_total{{result="confirmed"}}[$__rate_interval])), 0)''',
        }, """Shows messages a second. GET /hello and POST /fruit make one each, the backend's generator makes its
           own; others is what the broker counted beyond these: other programs, and messages that were published
           again. Normal: others is near 0, a little noise comes from scrapes at different moments. Otherwise:
           somebody else writes to the queue, or connections broke.""", stacked=True),
    ],
    [
        timeseries("Queue depth", "short", {
            "ready": 'sum(rabbitmq_detailed_queue_messages_ready{queue="task_queue"})',
            "unacknowledged": 'sum(rabbitmq_detailed_queue_messages_unacked{queue="task_queue"})',
        }, """Shows messages that wait, and those that a worker has and did not finish. Normal: ready near 0,
           unacknowledged some 3 (ten hello jobs a second that sleep 0.3 s). Otherwise: ready that grows means more
           comes in than goes out; unacknowledged at its ceiling means that all workers are busy."""),
        timeseries("Jobs out of the queue, by outcome", "short", {
            "{{kind}} {{result}}": 'sum by (kind, result) (rate(worker_jobs_total[$__rate_interval]))',
        }, """Shows finished jobs a second. Normal: hello done and fruit stored, the others 0. Otherwise: dead_letter
           is a message that nobody could understand (its reason is in the table dead_letter); duplicate is one that
           came twice and was stored once, as it should.""", stacked=True),
    ],
    [
        timeseries("What goes in comes out", "short", {
            "published": f'sum(rate({PUBLISHED}[$__rate_interval]))',
            "finished, or added to the queue": f'''sum(rate(worker_jobs_total[$__rate_interval]))
                + sum(deriv({WAITING}[$__rate_interval]))''',
        }, """Shows messages a second by the broker's count, whoever sent them, against stored + duplicates +
           dead-lettered + hello jobs + growth of the queue. Normal: one line hides the other. Otherwise: a gap that
           stays is messages lost, or made of nothing; the number beside it sums it up.""", width=3),
        stat("Not accounted for", "percentunit", {
            "missing": f'''(sum(increase({PUBLISHED}[5m])) - sum(increase(worker_jobs_total[5m]))
                - sum(delta({WAITING}[5m]))) / sum(increase({PUBLISHED}[5m]))''',
        }, """Shows the share of the last five minutes' messages that were published and are neither finished nor in
           the queue. Normal: within 2 % of 0, for the two counts are read seconds apart; more just after a start.
           Otherwise: below 0, messages were delivered twice, or a counter began anew; above 0, they are lost.""",
             limits={0.02: "orange", 0.1: "red"}, decimals=1, height=8),
    ],
])
