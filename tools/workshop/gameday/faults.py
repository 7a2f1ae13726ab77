"""What a game day can break, the choice by seed, and the verdict on an answer. Pure: nothing here touches anything.

FAULTS is in the order that seeds choose by: a new one goes to the end, or recorded rounds would mean something else.
"""

import random
from dataclasses import dataclass

NOTHING = "none"
WITHIN = 90  # seconds in which the fault comes

COMPONENTS = {
    "frontend": "the program that answers requests",
    "backend": "the program that works off the queue",
    "traffic": "whoever makes the requests",
    "postgres": "the database, and who else uses it",
    "redis": "the cache",
    "rabbitmq": "the broker, and who else is connected to it",
    NOTHING: "nothing was broken",
}
CAUSES = {
    "crashed": "its process is gone",
    "hangs": "its process is there, and does nothing",
    "slow": "it answers, but takes much longer than before",
    "memory-limit": "it may use so little memory that it cannot do its work",
    "full-disk": "it cannot write any more",
    "leaked-connections": "connections are opened and never closed",
    "loses-messages": "messages vanish, and nobody gets an error",
    "too-many-series": "a label takes values without bound",
    "too-much-load": "it gets more work than it can do",
    NOTHING: "nothing was broken",
}


@dataclass(frozen=True)
class Fault:
    """`shows`: queries, the first of which is empty in health and not while the fault lasts. `alert` is the name of the
    one that fires, None where there is none."""
    name: str
    component: str
    cause: str
    story: str
    shows: tuple
    alert: str | None
    runbook: str | None = None


FAULTS = (
    Fault("slow-database", "postgres", "slow",
          "somebody's transaction locked the table fruits, again and again, for seconds. Everybody else waited",
          ("sum(rate(postgres_query_seconds_sum[30s])) / sum(rate(postgres_query_seconds_count[30s])) > 0.25",
           "sum by (query) (rate(postgres_query_seconds_sum[30s])) / sum by (query) (rate(postgres_query_seconds_count[30s])) > 0",
           'max_over_time(pg_locks_count{datname="demo",mode="accessexclusivelock"}[1m])'),
          None),
    Fault("lost-messages", "rabbitmq", "loses-messages",
          "a second consumer took messages off task_queue. It gave most of them back, and threw about one message in ten away",
          ('sum(rabbitmq_detailed_queue_consumers{queue="task_queue"}) > 1',
           "pipeline:published:rate - pipeline:finished:rate", "pipeline:unaccounted:messages"),
          "MessagesLost", "MessagesLost"),
    Fault("stalled-consumer", "backend", "hangs",
          "the backend's process was stopped (SIGSTOP). A scrape got no answer in time; a crashed process would have refused it at "
          "once, and the broker would have missed its consumer at once, too",
          ('up{job="backend"} == 0', 'sum(rabbitmq_detailed_queue_consumers{queue="task_queue"})',
           'rabbitmq_detailed_queue_messages{queue="task_queue"}'),
          "QueueStalled", "QueueStalled"),
    Fault("useless-cache", "redis", "memory-limit",
          "Redis was told to make do with one byte of memory (CONFIG SET maxmemory 1), so it refused whatever it was to keep, and "
          "every request went to the database",
          ("redis_memory_max_bytes < 1000000",
           'sum(rate(cache_requests_total{result="hit"}[30s])) / sum(rate(cache_requests_total[30s]))', "redis_db_keys"),
          "CacheUseless", "CacheUseless"),
    Fault("cardinality", "traffic", "too-many-series",
          "a second program made traffic, and wrote the name of each guest into the label endpoint of its metrics",
          ('scrape_samples_post_metric_relabeling{job="traffic"} > 1000',
           'topk(3, count by (__name__) ({job="traffic"}))'),
          "CardinalityHigh", "CardinalityHigh"),
    Fault("slow-endpoint", "frontend", "slow",
          "the frontend was started anew with --hello-delay 1000-1500, so GET /hello took more than a second. Everything else "
          "was as quick as before",
          ('sum(rate(http_latency_sum{endpoint="/hello"}[30s])) / sum(rate(http_latency_count{endpoint="/hello"}[30s])) > 0.7',
           'histogram_quantile(0.9, sum by (le, endpoint) (rate(http_latency_bucket[1m])))',
           'time() - process_start_time_seconds{job="frontend"}'),
          "LatencyBurnsFast", "LatencyBurnsFast"),
    Fault("broker-alarm", "rabbitmq", "memory-limit",
          "RabbitMQ was told that a little memory is too much (rabbitmqctl set_vm_memory_high_watermark), so it held up everybody "
          "who publishes",
          ("rabbitmq_alarms_memory_used_watermark > 0",
           "rabbitmq_process_resident_memory_bytes / rabbitmq_resident_memory_limit_bytes",
           'sum by (code) (rate(http_requests_total{job="frontend"}[1m]))'),
          "BrokerAlarm", "BrokerAlarm"),
    Fault("leaked-connections", "postgres", "leaked-connections",
          "a report opened connections to PostgreSQL, and forgot to close them",
          ("sum by (instance) (pg_stat_activity_count) / on (instance) pg_settings_max_connections > 0.5",
           'sum by (state) (pg_stat_activity_count{datname="demo"})'),
          "ConnectionsHigh", "ConnectionsHigh"),
)
BY_NAME = {fault.name: fault for fault in FAULTS}


# The choice.

@dataclass(frozen=True)
class Plan:
    """`fault` is None in a round in which nothing breaks; `moment` is when it does, in seconds from the beginning."""
    seed: int
    fault: Fault | None
    moment: float


def plan(seed, within=WITHIN):
    """The same seed gives the same round, always."""
    chance = random.Random(seed)
    return Plan(seed, chance.choice((*FAULTS, None)), chance.uniform(0.2, 1) * within)


# The verdict.

RIGHT, OTHER_CAUSE, ELSEWHERE, MISSED, FALSE_ALARM, NO_ANSWER = (
    "right", "other cause", "elsewhere", "missed", "false alarm", "no answer")


def verdict(fault, answer):
    """`answer` is (component, cause), or None of who gave up."""
    if answer is None:
        return NO_ANSWER
    said_nothing = answer[0] == NOTHING
    if fault is None:
        return RIGHT if said_nothing else FALSE_ALARM
    if said_nothing:
        return MISSED
    if answer[0] != fault.component:
        return ELSEWHERE
    return RIGHT if answer[1] == fault.cause else OTHER_CAUSE


def unknown(answer):
    """What is wrong with the words of an answer, in a sentence; None where it is one."""
    component, cause = answer
    if component not in COMPONENTS:
        return f"there is no component '{component}'"
    if cause not in CAUSES:
        return f"there is no cause '{cause}'"
    if (component == NOTHING) != (cause == NOTHING):
        return f"'{component} {cause}' says both that something is broken and that nothing is"
    return None
