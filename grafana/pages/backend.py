"""Backend and queue: what waits, what is worked at, how it becomes rows."""

from panels import page, stat, timeseries

QUEUE = '{queue="task_queue"}'

PAGE = page("backend", "Backend and queue", "What waits, what is worked at, and how it becomes rows.", [
    "The queue",
    [
        timeseries("Queue depth", "short", {
            "ready": f"sum(rabbitmq_detailed_queue_messages_ready{QUEUE})",
            "unacknowledged": f"sum(rabbitmq_detailed_queue_messages_unacked{QUEUE})",
        }, """Shows messages that wait, and those that a backend has and did not finish. Normal: ready near 0,
           unacknowledged a handful, the hello jobs that sleep. Otherwise: if ready grows, more comes in than goes
           out; the rest of this page says where it is stuck.""", width=2),
        stat("Consumers", "short", {
            "consumers": f"sum(rabbitmq_detailed_queue_consumers{QUEUE})",
        }, """Shows how many backends take from the queue. Normal: one for each that runs. Otherwise: 0 means that
           all are gone or cannot reach the broker; messages are safe and wait.""", limits={1: "green"},
             color_below="red", height=8),
        timeseries("Deliveries", "short", {
            "redelivered: {{redelivered}}": "sum by (redelivered) (rate(amqp_delivered_total[$__rate_interval]))",
            "acknowledged": 'sum(rate(amqp_acked_total{job="backend"}[$__rate_interval]))',
        }, """Shows messages a second that came to the backends, and that they gave back as done. Normal: delivered
           and acknowledged are equal, redelivered is 0. Otherwise: redelivered means that a backend lost its
           connection or died; nothing is stored twice by it.""", width=2),
    ],
    "The jobs",
    [
        timeseries("Jobs finished, by outcome", "short", {
            "{{kind}} {{result}}": "sum by (kind, result) (rate(worker_jobs_total[$__rate_interval]))",
        }, """Shows jobs a second. Normal: hello done and fruit stored. Otherwise: duplicate is a message that came
           twice and was stored once; dead_letter is one that nobody understood, kept with its reason in the table
           dead_letter.""",
                   stacked=True),
        timeseries("How long a job takes", "s", {
            "{{kind}}, {{quantile}}": "max by (kind, quantile) (worker_job_duration_seconds)",
        }, """Shows the time from a job's start to its end; a summary, so the quantiles come from the program and
           cannot be added up over several. Normal: hello from 0.1 to 0.5 s, fruit a few milliseconds. Otherwise:
           slow fruit jobs wait for PostgreSQL."""),
        timeseries("Workers that sleep through a job", "short", {
            "{{instance}}": "worker_busy",
        }, """Shows how many hello jobs are in progress. Normal: 10 a second that take 0.3 s make 3. Otherwise: at
           20, the dashed line and the default of --workers, further hello jobs wait.""", limits={20: "red"}),
    ],
    "The rows",
    [
        timeseries("Jobs in a batch", "short", {
            "jobs a commit": """sum(rate(store_batch_size_sum[$__rate_interval]))
                / sum(rate(store_batch_size_count[$__rate_interval]))""",
        }, """Shows how many jobs are stored by one commit. Normal: about 1 while there is little to do, up to 500
           when there is a backlog: that is why a backlog is worked off fast. Otherwise: 1 with a deep queue means
           that something else is slow."""),
        timeseries("How long a commit takes", "s", {
            "half": """histogram_quantile(0.5, sum by (le)
                (rate(postgres_query_seconds_bucket{query="insert_fruits"}[$__rate_interval])))""",
            "95 %": """histogram_quantile(0.95, sum by (le)
                (rate(postgres_query_seconds_bucket{query="insert_fruits"}[$__rate_interval])))""",
        }, """Shows the time of one transaction that stores a batch, as the backend sees it. Normal: milliseconds,
           the disk's. Otherwise: see PostgreSQL, and the disk on Host."""),
        timeseries("Batches that did not go through at once", "short", {
            "tried again": "sum(rate(store_retries_total[$__rate_interval]))",
            "split": "sum(rate(store_splits_total[$__rate_interval]))",
        }, """Shows batches a second that were tried again because the database failed, or split because it refused a
           row. Normal: 0. Otherwise: PostgreSQL restarts or cannot be reached; or somebody sends rows that it
           refuses."""),
    ],
    [
        timeseries("Messages that the generator makes", "short", {
            "generated": "sum(rate(generator_messages_total[$__rate_interval]))",
        }, """Shows orders of oranges a second that the backend gives itself. Normal: 3.3, one every 100 to 500 ms
           for each of --generators. Otherwise: 0 means that the broker takes nothing."""),
        timeseries("Rows deleted because they are old", "short", {
            "deleted": "sum(rate(retention_deleted_total[$__rate_interval]))",
        }, """Shows rows a second older than --retention, an hour. Normal: 0 in the first hour, then as many as are
           stored. Otherwise: 0 for longer than that lets the table grow; the log of the backend says why."""),
        timeseries("Share of time that the event loop is busy", "percentunit", {
            "{{instance}}": '1 - rate(libuv_loop_idle_seconds_total{job="backend"}[$__rate_interval])',
        }, """Shows how much of its one thread the backend uses. Normal: a few percent. Otherwise: near 100 % it is the
           bottleneck, and a second backend helps.""", high=1, limits={0.8: "red"}),
    ],
])
