"""RabbitMQ, USE: how much of it is used, what waits, what fails."""

from panels import gauge, page, stat, timeseries

PAGE = page("rabbitmq", "RabbitMQ", "USE: how much of the broker is used, what waits in it, and what fails.", [
    "Utilisation",
    [
        gauge("Memory, of its limit", "percentunit", {
            "used": "max(rabbitmq_process_resident_memory_bytes / rabbitmq_resident_memory_limit_bytes)",
        }, """Shows the broker's memory as a share of its watermark. Normal: low. Otherwise: at 100 % it stops taking
           messages from every publisher; empty the queue.""", limits={0.7: "orange", 1: "red"}, height=8, decimals=1),
        gauge("Free disk that is needed", "percentunit", {
            "limit": "max(rabbitmq_disk_space_available_limit_bytes / rabbitmq_disk_space_available_bytes)",
        }, """Shows the least free space that the broker accepts, as a share of the space that is free. Normal: low.
           Otherwise: at 100 % it stops taking messages; make room.""",
              limits={0.5: "orange", 1: "red"}, height=8, decimals=1),
        timeseries("Messages through the broker", "short", {
            "received": "sum(rate(rabbitmq_global_messages_received_total[$__rate_interval]))",
            "confirmed": "sum(rate(rabbitmq_global_messages_confirmed_total[$__rate_interval]))",
            "acknowledged": "sum(rate(rabbitmq_global_messages_acknowledged_total[$__rate_interval]))",
        }, """Shows messages a second: received from publishers, confirmed to them as safe, done by consumers.
           Normal: three lines as one. Otherwise: confirms that lag mean a slow disk, acknowledgements that lag a
           slow backend.""",
                   width=2),
        timeseries("Connections, channels, consumers", "short", {
            "connections": "sum(rabbitmq_connections)", "channels": "sum(rabbitmq_channels)",
            "consumers": "sum(rabbitmq_consumers)",
        }, """Shows who is connected. Normal: a connection for each frontend, two for each backend, which publishes
           too; one consumer for each backend. Otherwise: a number that grows is a leak, 0 consumers a dead backend.""", width=2),
    ],
    "Saturation",
    [
        timeseries("Messages in all queues", "short", {
            "ready": "sum(rabbitmq_queue_messages_ready)", "unacknowledged": "sum(rabbitmq_queue_messages_unacked)",
        }, """Shows what the broker holds. Normal: a handful. Otherwise: more comes in than goes out; see Backend and
              queue."""),
        timeseries("How long a confirm takes", "s", {
            "{{job}}, half": """histogram_quantile(0.5, sum by (job, le)
                (rate(amqp_confirm_seconds_bucket[$__rate_interval])))""",
            "{{job}}, 99 %": """histogram_quantile(0.99, sum by (job, le)
                (rate(amqp_confirm_seconds_bucket[$__rate_interval])))""",
        }, """Shows the time from publishing to the broker's word that the message is on disk. Normal: a few
           milliseconds. Otherwise: the disk is slow, or an alarm holds publishers up."""),
        timeseries("Erlang processes, of their limit", "percentunit", {
            "used": "max(rabbitmq_erlang_processes_used / rabbitmq_erlang_processes_limit)",
        }, """Shows how many of the broker's own small processes exist. Normal: well below 1 %; some for each
           connection, channel and queue. Otherwise: something opens channels or queues and never closes them.""",
                   limits={0.8: "red"}),
    ],
    "Errors",
    [
        stat("Alarms", "short", {
            "alarms": "sum(rabbitmq_alarms_memory_used_watermark) + sum(rabbitmq_alarms_free_disk_space_watermark)",
        }, """Shows how many of the two alarms, memory and disk, are raised. Normal: 0. Otherwise: publishers are
           blocked, and POST /fruit and GET /hello answer 503.""", limits={1: "red"}, height=8),
        timeseries("Messages that went astray", "short", {
            "redelivered": "sum(rate(rabbitmq_global_messages_redelivered_total[$__rate_interval]))",
            "returned": "sum(rate(rabbitmq_global_messages_unroutable_returned_total[$__rate_interval]))",
            "dropped": "sum(rate(rabbitmq_global_messages_unroutable_dropped_total[$__rate_interval]))",
        }, """Shows messages a second that were delivered again, or had no queue to go to. Normal: 0. Otherwise:
           redelivered means that a backend left without finishing; the others that task_queue was deleted.""", width=2),
        timeseries("Connections that come and go", "short", {
            "opened": "sum(rate(rabbitmq_connections_opened_total[$__rate_interval]))",
            "closed": "sum(rate(rabbitmq_connections_closed_total[$__rate_interval]))",
            "wrong password": "sum(rate(rabbitmq_auth_attempts_failed_total[$__rate_interval]))",
        }, """Shows connections a second. Normal: 0, for programs keep theirs. Otherwise: a program restarts over and
           over, or cannot log in.""", width=2),
    ],
])
