"""What is true, found out without Prometheus and without any program's /metrics: a count in PostgreSQL, Redis's INFO,
RabbitMQ's management, the kernel's /proc. Read at both ends of a window, so that a rate has a truth too.

    truth = Truth(stack); truth.begin(); ... some seconds ...; truth.end()
    truth.now["rows"]         what was read at the end
    truth.rate("rows")        its growth a second over the window
"""

import os
import time
from pathlib import Path

import psycopg2
import redis
import requests

from workshop.ports import HOST

TICKS = os.sysconf("SC_CLK_TCK")
PAGE_SIZE = os.sysconf("SC_PAGE_SIZE")
SECTOR = 512  # bytes, of /proc/diskstats, whatever the disk's own is


class Truth:
    def __init__(self, stack, *more):
        """`more` are further functions of the stack that give numbers by name."""
        self.stack, self.more = stack, more
        self.first = self.now = self.began = self.ended = None

    def begin(self):
        self.first, self.began = self._read(), time.time()

    def end(self):
        self.now, self.ended = self._read(), time.time()

    @property
    def seconds(self):
        return self.ended - self.began

    def rate(self, what):
        return (self.now[what] - self.first[what]) / self.seconds

    def _read(self):
        found = {}
        for part in (database, cache, broker, machine, programs, users, *self.more):
            found |= part(self.stack)
        return found


def database(stack):
    """Rows by counting them, the rest from PostgreSQL's own statistics."""
    connection = psycopg2.connect(stack.postgres.url)
    connection.autocommit = True

    def one(query):
        cursor.execute(query)
        return cursor.fetchone()[0]

    with connection, connection.cursor() as cursor:
        found = {"rows": one("select count(*) from fruits"), "pg_dead": one("select count(*) from dead_letter"),
                 "pg_size": one("select pg_database_size('demo')"),
                 "pg_max": int(one("show max_connections")),
                 "pg_locks": one("select count(*) from pg_locks where mode = 'AccessExclusiveLock'"),
                 "pg_connections": one("select count(*) from pg_stat_activity where datname is not null")}
        for name in ("xact_commit", "xact_rollback", "deadlocks", "tup_deleted", "blks_hit", "blks_read"):
            found[f"pg_{name}"] = one(f"select {name} from pg_stat_database where datname = 'demo'")
        cursor.execute("select name, sum(quantity) from fruits where created_at > now() - interval '1 minute' group by 1")
        found["fruit"] = {name: float(quantity) for name, quantity in cursor}
    connection.close()
    return found


def cache(stack):
    """Redis's INFO, under the names that it uses, with redis_ before them."""
    with redis.Redis(HOST, stack.redis.port) as client:
        said = client.info("everything")
    return {f"redis_{name}": value for name, value in said.items() if isinstance(value, (int, float))} | {
        f"redis_{name}": said.get(f"cmdstat_{name}", {}).get("calls", 0) for name in ("get", "set", "del")} | {
        "redis_keys": sum(said[f"db{n}"]["keys"] for n in range(16) if f"db{n}" in said)}


def broker(stack):
    """RabbitMQ's management, whose figures are up to 5 s old."""
    def ask(what):
        answer = requests.get(f"{stack.rabbitmq.ui_url}/api/{what}", auth=("guest", "guest"), timeout=5)
        answer.raise_for_status()
        return answer.json()

    overview, queue, node = ask("overview"), ask("queues/%2F/task_queue"), ask("nodes")[0]
    totals = overview.get("message_stats", {})
    return {f"amqp_{name}": totals.get(name, 0) for name in ("publish", "confirm", "ack", "redeliver")} | {
        f"amqp_{name}s": overview["object_totals"][f"{name}s"] for name in ("connection", "channel", "consumer")} | {
        "amqp_ready": queue["messages_ready"], "amqp_queue_consumers": queue["consumers"],
        "amqp_memory": node["mem_used"] / node["mem_limit"], "amqp_disk": node["disk_free_limit"] / node["disk_free"],
        "amqp_processes": node["proc_used"] / node["proc_total"]}


def machine(_):
    """/proc and statvfs, times in seconds."""
    modes = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
    first = Path("/proc/stat").read_text().split("\n", 1)[0].split()
    memory = {line.split(":")[0]: int(line.split()[1]) for line in Path("/proc/meminfo").read_text().splitlines()}
    root = os.statvfs("/")
    used = root.f_blocks - root.f_bfree
    found = {f"cpu_{mode}": int(ticks) / TICKS / os.cpu_count() for mode, ticks in zip(modes, first[1:])} | {
        "memory": 1 - memory["MemAvailable"] / memory["MemTotal"], "disk": used / (used + root.f_bavail),
        "load": os.getloadavg()[0] / os.cpu_count(), "disk_read": 0, "disk_written": 0}
    for line in Path("/proc/diskstats").read_text().splitlines():
        fields = line.split()
        if not fields[2].startswith(("loop", "ram", "zram", "sr", "fd")):
            found["disk_read"] += int(fields[5]) * SECTOR
            found["disk_written"] += int(fields[9]) * SECTOR
            found[f"busy_{fields[2]}"] = int(fields[12]) / 1000
    for what in ("cpu", "io", "memory"):
        some = Path(f"/proc/pressure/{what}").read_text().split("\n", 1)[0]
        found[f"pressure_{what}"] = int(some.rpartition("total=")[2]) / 1e6
    return found


def programs(stack):
    """Processor time and resident memory of everything that was started."""
    found = {}
    for name, service in stack.services.items():
        if service.running:
            fields = Path(f"/proc/{service.pid}/stat").read_text().rpartition(")")[2].split()
            found[f"cpu_of_{name}"] = (int(fields[11]) + int(fields[12])) / TICKS
            found[f"memory_of_{name}"] = int(fields[21]) * PAGE_SIZE
    return found


def users(stack):
    """How many GET /hello took how long by traffic's clock, which is not the frontend's."""
    bucket = 'traffic_request_duration_seconds_%s{scenario="default",method="GET",endpoint="/hello"%s}'
    count, fast = (stack.traffic.sample(bucket % part) for part in (("count", ""), ("bucket", ',le="0.75"')))
    return {"slow": 1 - fast / count}


def alerts(stack):
    """How many alerts Alertmanager holds, the watchdog aside."""
    found = requests.get(f"{stack.alertmanager.url}/api/v2/alerts", timeout=5).json()
    return sum(alert["labels"]["severity"] != "none" for alert in found)


def pages(stack):
    """job → how many samples the page has that Prometheus reads, counted line by line."""
    counts = {}
    for target in stack.prometheus.api._get("targets", state="active")["activeTargets"]:
        text = requests.get(target["scrapeUrl"], timeout=5).text
        counts[target["labels"]["job"]] = sum(bool(line) and not line.startswith("#") for line in text.splitlines())
    return counts


def sockets(stack, name, port):
    """How many connections the process has to the port, by its open files and the kernel's table."""
    links = [os.readlink(entry) for entry in Path(f"/proc/{stack.services[name].pid}/fd").iterdir()]
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(f"socket:[{fields[9]}]" in links for fields in lines if int(fields[2].rpartition(":")[2], 16) == port)
