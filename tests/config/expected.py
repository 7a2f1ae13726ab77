"""What every panel of every dashboard must show under the known load: the table that test_panels.py checks.

The load is RATE requests a second, a third each of GET /hello, GET /fruit and POST /fruit; /hello and its job both take
a random time from 0.1 to 0.5 s; the generator publishes every 0.1 to 0.5 s. What does not follow from that was found out
in another way, see truth.py. For each panel, the series by their legends, and what each is:

    near(x, 0.1)      within a tenth of x              near(x, 0.1, 2)    or within 2 of it, whichever is more
    between(a, b)     where only bounds are known      mean(...)          of the mean over the window, for what jumps about
    0, 1              exactly that
"""

import pytest

from conftest import RATE
from truth import alerts, pages, sockets
from workshop.labs import LABS

THIRD = RATE / 3
PAUSE = 0.3  # s, the mean of 0.1 to 0.5
OTHERS = ...  # as a legend: all series that the entry does not name


def near(value, share=0.1, absolute=0.0):
    return pytest.approx(value, rel=share, abs=absolute)


class between:
    def __init__(self, low, high):
        self.low, self.high = low, high

    def __eq__(self, value):
        return self.low <= value <= self.high

    def __repr__(self):
        return f"{self.low:g} to {self.high:g}"


class mean:
    def __init__(self, expected):
        self.expected = expected


def delay(share):
    """The quantile of a time that is equally likely to be anything from 0.1 to 0.5 s."""
    return 0.1 + share * 0.4


def each(names, expected):
    return dict.fromkeys(names, expected)


def heat(seconds):
    """A heat map's buckets: requests to /fruit are fast, those to /hello take 0.1 to 0.5 s."""
    total = RATE * seconds
    return {OTHERS: between(0, 0.75 * total), "0.1": near(2 / 3 * total, 0.15), "0.25": near(0.79 * total, 0.15),
            **each(("0.5", "0.75", "1.0", "2.5", "5.0", "7.5", "10.0", "+Inf"), near(total))}


FEW = between(0, 2)  # a second: where the machine is busy, Redis misses its 50 ms now and then
# The last percent may just exceed 0.5 s, and then lies somewhere in the bucket that ends at 0.75. Where a figure can only
# grow with whatever else the machine does, the upper bound is wide: a test is no measurement of speed.
QUANTILES = {"half": between(1e-4, 0.1), "95 %": between(0.9 * delay(0.85), 0.75), "99 %": between(0.45, 0.9)}
ENDPOINTS = each(("GET /hello", "GET /fruit", "POST /fruit"), near(THIRD, 0.25))
OUTCOMES = ("fruit duplicate", "fruit dead_letter", "unknown duplicate", "unknown dead_letter")


def queue(t):
    """Little's law: so many hello jobs a second, each of which takes so long."""
    return {"ready": near(t.now["amqp_ready"], 0, 20), "unacknowledged": mean(near(THIRD * PAUSE, 0, 2.5))}


def jobs(t):
    return {"hello done": near(THIRD, 0.25), "fruit stored": near(t.rate("rows"), 0.15), **each(OUTCOMES, 0)}


def overview(t):
    return {
        "Requests a second": {"requests": near(RATE)},
        "Requests that fail": {"failed": 0},
        "95 % answered within": {"p95": between(0.9 * delay(0.85), 0.75)},
        "Messages that wait": {"ready": near(t.now["amqp_ready"], 0, 20)},
        "Rows stored a second": {"rows": near(t.rate("rows"), 0.15)},
        "Targets down": {"down": 0},
        "Requests the frontends answer, by endpoint": ENDPOINTS,
        "Messages into the queue, by producer": {"frontend": near(2 * THIRD, 0.15), "generator": near(1 / PAUSE, 0.25),
                                                 "others": near(0, 0, 2)},
        "Queue depth": queue(t),
        "Jobs out of the queue, by outcome": jobs(t),
        "What goes in comes out": {"published": near(t.rate("amqp_publish"), 0.15),
                                   "finished, or added to the queue": near(t.rate("amqp_publish"), 0.2)},
        "Not accounted for": {"missing": near(0, 0, 0.1)},
    }


def frontend(t):
    return {
        "Requests answered, by endpoint": ENDPOINTS | each(("GET /metrics", "GET /health"), near(1 / 5, 0.3)),
        "Requests that did some work": {"hello_total": near(THIRD, 0.25), "fruit_requests_total": near(2 * THIRD, 0.15)},
        "Fruit ordered in the last minute": {fruit: near(total, 0.4) for fruit, total in t.now["fruit"].items()},
        "Answers that are not 2xx, by code": each(("400", "404", "405", "415", "503"), 0),
        "GET /hello fails": {"failed": 0},
        "/fruit fails": {"failed": 0},
        "Refused before a handler saw it": {"refused": 0},
        "Latency of every request": heat(t.seconds),
        "Latency by quantile": QUANTILES | {"GET /hello, 99 %": between(0.45, 0.9)},
        "Sums answered from the cache": {"hit": near(t.rate("redis_keyspace_hits"), 0.25, 1), "error": FEW,
                                         "miss": near(t.rate("redis_keyspace_misses"), 0.25, 1)},
        "What the frontend waits for, 95 %": {"the broker's confirm": between(1e-5, 1),
                                              "a query of PostgreSQL": between(1e-5, 1),
                                              "a command of Redis": between(1e-5, 0.3)},
        "Share of time that the event loop is busy": busy(t, "frontend"),
    }


def busy(t, name):
    return {f"127.0.0.1:{t.stack.services[name].port}": near(t.rate(f"cpu_of_{name}"), 0.5, 0.01)}


def backend(t):
    return {
        "Queue depth": queue(t),
        "Consumers": {"consumers": t.now["amqp_queue_consumers"]},
        "Deliveries": {"redelivered: false": near(t.rate("amqp_publish"), 0.15), "redelivered: true": 0,
                       "acknowledged": near(t.rate("amqp_ack"), 0.15)},
        "Jobs finished, by outcome": jobs(t),
        "How long a job takes": {"hello, 0.5": near(delay(0.5), 0.2), "hello, 0.9": near(delay(0.9), 0.2),
                                 "hello, 0.99": near(delay(0.99), 0.2),
                                 **each(("fruit, 0.5", "fruit, 0.9", "fruit, 0.99"), between(0.001, 1))},
        "Workers that sleep through a job": {f"127.0.0.1:{t.stack.backend.port}": mean(near(THIRD * PAUSE, 0, 2.5))},
        "Jobs in a batch": {"jobs a commit": near(t.rate("rows") / t.rate("redis_del"), 0.2)},
        "How long a commit takes": each(("half", "95 %"), between(1e-5, 1)),
        "Batches that did not go through at once": each(("tried again", "split"), 0),
        "Messages that the generator makes": {"generated": near(1 / PAUSE, 0.25)},
        "Rows deleted because they are old": {"deleted": 0},
        "Share of time that the event loop is busy": busy(t, "backend"),
    }


def postgres(t):
    blocks = t.rate("pg_blks_hit") / (t.rate("pg_blks_hit") + t.rate("pg_blks_read"))
    pool = {name: sockets(t.stack, name, t.stack.postgres.port) for name in ("frontend", "backend")}
    return {
        "Connections in use": {"in use": near(t.now["pg_connections"] / t.now["pg_max"], 0, 0.02)},
        "Size of the database": {"size": near(t.now["pg_size"])},
        "Rows and transactions": {"rows inserted": near(t.rate("rows"), 0.15),
                                  "transactions committed": near(t.rate("pg_xact_commit"), 0.2)},
        "Blocks found in memory": {"found": near(blocks, 0, 0.03)},
        "Connections, by what they do": {"active": between(0, 6), "idle": near(t.now["pg_connections"], 0, 4),
                                         **each(("idle in transaction", "idle in transaction (aborted)"), between(0, 1))},
        "Connections of the programs' pools": {OTHERS: 0} | {f"{name} ready": pool[name] for name in pool},
        "How long a transaction takes, 95 %": each(("frontend sum_all", "frontend sum_of_one", "backend insert_fruits",
                                                    "backend delete_expired"), between(1e-5, 1)),
        "Longest transaction that runs now": {"longest": between(0, 2)},
        "Locks held": {"accessexclusivelock": 0, "sharelock": 0, "rowexclusivelock": between(0, 12)},
        "Rolled back, and deadlocks": each(("rolled back", "deadlocks"), 0),
        "Failures as the programs see them, by class": {OTHERS: 0, "unavailable": 0},
    }


def redis(t):
    found = t.rate("redis_keyspace_hits") / (t.rate("redis_keyspace_hits") + t.rate("redis_keyspace_misses"))
    failures = ("error", "timeout", "lost", "refused")
    return {
        "Memory in use": {"in use": near(t.now["redis_used_memory"] / t.now["redis_maxmemory"], 0.2)},
        "Keys": {"keys": near(t.now["redis_keys"], 0, 6)},
        "Commands of the programs": {name: near(t.rate(f"redis_{name}"), 0.2, 1) for name in ("get", "set", "del")},
        "Sums found in the cache": {"found": near(found, 0, 0.1)},
        "Processor time that Redis uses": {"user": near(t.rate("redis_used_cpu_user"), 0.5, 0.002),
                                           "system": near(t.rate("redis_used_cpu_sys"), 0.5, 0.002)},
        "Bytes in and out": {"in": near(t.rate("redis_total_net_input_bytes"), 0.25),
                             "out": near(t.rate("redis_total_net_output_bytes"), 0.4)},
        "How long a command takes, 95 %": each(("frontend", "backend"), between(1e-6, 0.3)),
        "Clients": {"connected": near(t.now["redis_connected_clients"], 0, 2), "blocked": 0},
        "Keys dropped": {"expired": near(t.rate("redis_expired_keys"), 0, 1), "evicted": 0},
        "Commands that failed, as the programs see it": each(
            (f"{program} {failure}" for program in ("frontend", "backend") for failure in failures), FEW),
        "Connections and commands refused by Redis": each(("connections", "commands"), 0),
    }


def rabbitmq(t):
    return {
        "Memory, of its limit": {"used": near(t.now["amqp_memory"], 0.3)},
        "Free disk that is needed": {"limit": near(t.now["amqp_disk"])},
        "Messages through the broker": {"received": near(t.rate("amqp_publish"), 0.15),
                                        "confirmed": near(t.rate("amqp_confirm"), 0.15),
                                        "acknowledged": near(t.rate("amqp_ack"), 0.15)},
        "Connections, channels, consumers": {name: t.now[f"amqp_{name}"]
                                             for name in ("connections", "channels", "consumers")},
        "Messages in all queues": queue(t),
        "How long a confirm takes": each(("frontend, half", "frontend, 99 %", "backend, half", "backend, 99 %"),
                                         between(1e-5, 1)),
        "Erlang processes, of their limit": {"used": near(t.now["amqp_processes"], 0.2)},
        "Alarms": {"alarms": 0},
        "Messages that went astray": each(("redelivered", "returned", "dropped"), 0),
        "Connections that come and go": each(("opened", "closed", "wrong password"), 0),
    }


def host(t):
    modes = ("user", "nice", "system", "iowait", "irq", "softirq", "steal")
    jobs_of = {"frontend": "frontend", "backend": "backend", "traffic": "traffic", "prometheus": "prometheus",
               "alertmanager": "alertmanager", "node": "node", "redis": "redis-exporter", "postgres": "postgres-exporter"}
    own = {job: f"_of_{name}" for job, name in jobs_of.items()} | {"redis-server": "_of_redis"}
    return {
        "Processors in use": {"busy": near(1 - t.rate("cpu_idle"), 0.2, 0.1)},
        "Memory in use": {"used": near(t.now["memory"], 0, 0.04)},
        "Disk in use": {"used": near(t.now["disk"], 0, 0.01)},
        "Processor time, by mode": {mode: near(t.rate(f"cpu_{mode}"), 0.4, 0.03) for mode in modes},
        "Runnable processes, for each processor": {"load": near(t.now["load"], 0.3, 0.5)},
        "Processor time, by program": {job: near(t.rate(f"cpu{of}"), 0.5, 0.004) for job, of in own.items()},
        "Memory, by program": {job: near(t.now[f"memory{of}"], 0.3) for job, of in own.items()} | {
            "rabbitmq-server": near(t.now["memory_of_rabbitmq"], 0.3)},
        "Disk traffic": {"read": near(t.rate("disk_read"), 0.5, 2e6), "written": near(t.rate("disk_written"), 0.5, 2e6)},
        "Share of time that a disk is busy": {name.removeprefix("busy_"): near(t.rate(name), 0.4, 0.1)
                                              for name in t.now if name.startswith("busy_")},
        "Time lost to waiting": {"processor": near(t.rate("pressure_cpu"), 0.4, 0.1),
                                 "disk": near(t.rate("pressure_io"), 0.4, 0.1),
                                 "memory": near(t.rate("pressure_memory"), 0.4, 0.1)},
    }


def traffic(t):
    return {
        "Target rate": {"target": RATE},
        "Users": {"users": 0},
        "Rate that was made": {"made": near(RATE)},
        "Requests that fail": {"failed": 0},
        "Requests never sent": {"dropped": 0},
        "Requests, by endpoint": ENDPOINTS,
        "Requests, by answer": {"200": near(RATE), **each(("400", "415", "503", "error"), 0)},
        "Latency as users see it": heat(t.seconds),
        "Latency by quantile": QUANTILES,
        "Mean latency, at both ends": each(("user", "frontend"), between(0.9 * PAUSE / 3, 2.5 * PAUSE / 3)),
    }


def slo(t):
    slow, left = t.now["slow"], {"availability": 1, "latency": near(1 - t.now["slow"] / 0.01, 0.3, 0.5)}
    windows = [f"over {window}" for window in ("30s", "2m", "5m", "24m", "4h")]
    return {
        "Answers that were no failure": {"availability": 1},
        "GET /hello within 0.75 s": {"latency": near(1 - slow, 0, 0.005)},
        "Error budget that is left": left,
        "Share of requests that break the promise": {"availability": 0, "allowed": near(0.01),
                                                 "latency": near(slow, 0, 0.005)},
        "Error budget over time": left,
        "Burn rate of availability, by window": each(windows, 0),
        "Burn rate of latency, by window": each(windows, near(slow / 0.01, 0.5, 0.5)),
        "Requests that count, and that fail": {"count": near(RATE), "fail": 0},
        "GET /hello, and what of it was too slow": {"count": near(THIRD, 0.25), "slow": near(0, 0, 0.05)},
    }


def prometheus(t):
    lines, api = pages(t.stack), t.stack.prometheus.api
    rules = [group["evaluationTime"] for group in api._get("rules")["groups"]]
    return {
        "Series": {"series": near(api._get("status/tsdb")["headStats"]["numSeries"])},
        "Samples read a second": {"samples": near(sum(lines.values()) / 5, 0.15)},
        "Alerts that fire": {"firing": near(alerts(t.stack), 0, 1)},
        "Configuration is the newest": {"read": 1},
        "Targets that answer, by job": each(lines, 1),
        "How long a page takes to read": each(lines, between(1e-4, 1)),
        "Series of a target": {job: near(count) for job, count in lines.items()},
        "How long queries take": {"0.5": between(1e-6, 0.02), "0.9": between(1e-6, 0.1), "0.99": between(1e-6, 1)},
        "How long rules take": {"all groups": near(sum(rules), 1, 0.05), "the slowest group": near(max(rules), 1, 0.05)},
        "Memory": {"resident": near(t.now["memory_of_prometheus"], 0.3),
                   "in Go's heap": between(1e6, t.now["memory_of_prometheus"])},
        "Exemplars kept": {"exemplars": near(exemplars(api), 0.3, 20)},
    }


def exemplars(api):
    """How many Prometheus hands out when asked for all of them."""
    found = api._get("query_exemplars", query="http_latency_bucket", start=0, end=4e9) or []
    return sum(len(series["exemplars"]) for series in found)


NOT_CHECKED = {"logs": "there is no package of Loki in Debian, so nothing answers its panels",
               "class": "tests/course/test_class.py compares it with a class",
               **dict.fromkeys(LABS, "tests/labs compares it with the lab")}


def table(t):
    """dashboard → panel → legend → what it must show."""
    pages_of = (overview, frontend, backend, postgres, redis, rabbitmq, host, traffic, slo, prometheus)
    return {page.__name__: page(t) for page in pages_of}
