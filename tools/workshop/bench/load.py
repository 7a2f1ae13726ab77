"""What makes load, each run as a function that returns its figures. Anything but success ends the bench."""

import json
import os
import re
import subprocess
import tempfile
from pathlib import Path

from ..ports import HOST
from ..ui import Failure

TICK = os.sysconf("SC_CLK_TCK")
UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}


def output_of(argv, timeout=240, **more):
    """The standard output of a program that must succeed."""
    argv = [str(word) for word in argv]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout, **more)
    except subprocess.TimeoutExpired:
        raise Failure(f"'{' '.join(argv)}' did not end within {timeout} s") from None
    if done.returncode:
        raise Failure(f"'{' '.join(argv)}' failed: {(done.stderr or done.stdout).strip()[-400:]}")
    return done.stdout


def line_value(text):
    """The value of the one line `NAME VALUE UNIT` that a floor prints."""
    return float(text.split()[1])


def cpu_seconds(service):
    """User and system time that a service has used so far, its children included, those that ended too."""
    total = 0
    for process in [service.process, *service.process.descendants()]:
        try:
            fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        total += sum(int(field) for field in fields[11:15])
    return total / TICK


def with_cpu(figures, before, after, seconds, name="cpu"):
    """Adds microseconds of CPU for each operation."""
    operations = figures["rate"] * seconds
    return figures | {name: (after - before) * 1e6 / operations if operations else 0}


def wrk(url, seconds, connections, script=None, *words):
    """One thread, as many connections: rate (answers a second), p50 and p99 (ms). The script gets the words."""
    argv = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "10s", url]
    text = output_of(argv + (["-s", script, "--", *words] if script else []))
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", text) or re.search(r"Socket errors: (.*)", text)
    if failed:
        raise Failure(f"{url} did not answer all: {failed.group(0)}")
    return {"rate": float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1)),
            "p50": _milliseconds(text, "50%"), "p99": _milliseconds(text, "99%")}


def _milliseconds(text, label):
    value, unit = re.search(rf"^\s+{label}\s+([\d.]+)(us|ms|s|m)$", text, re.M).groups()
    return float(value) * UNITS[unit]


def wrk_on(service, path, seconds, connections, script=None, *words):
    """wrk at a service; besides, what an answer costs it in CPU."""
    before = cpu_seconds(service)
    figures = wrk(service.url + path, seconds, connections, script, *words)
    return with_cpu(figures, before, cpu_seconds(service), seconds)


def redis_get(redis, requests, connections):
    """GET of one key, a request at a time on each connection."""
    base = ["-h", HOST, "-p", redis.port]
    output_of(["redis-cli", *base, "set", "fruit_bench", "12345"])
    text = output_of(["redis-benchmark", *base, "-c", connections, "-n", requests, "-P", 1, "-q", "GET", "fruit_bench"])
    return {"rate": float(re.findall(r"([\d.]+) requests per second", text)[-1])}


def traffic(binary, url, rate, seconds, connections):
    """The open loop: rate (answers a second), sent_rate, late_p99 (ms behind the schedule), p99 (ms), cpu (of a core)."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        output_of([binary, "--target", url, "--only", "/health", "--rate", round(rate), "--duration", seconds,
                   "--connections", connections, "--listen", f"{HOST}:0", "--quiet", "--json", file.name])
        report = json.loads(Path(file.name).read_text())
    part = report["scenarios"][0]
    if part["errors"]:
        raise Failure(f"traffic had {part['errors']} errors: {part['no_answer']}")
    return {"rate": part["rate"], "sent_rate": part["sent_rate"], "late_p99": part["schedule_error_seconds"]["p99"] * 1e3,
            "p99": part["latency_seconds"]["p99"] * 1e3, "cpu": report["cpu"]}


def h2load_on(service, path, seconds, connections, streams, body, *fields):
    """h2load, one thread, so many streams at a time on each connection; besides, what a call costs the service in CPU."""
    before = cpu_seconds(service)
    with tempfile.NamedTemporaryFile() as file:
        file.write(body)
        file.flush()
        text = output_of(["h2load", "-t1", "-c", connections, "-m", streams, "-D", seconds, "-d", file.name,
                          *(word for field in fields for word in ("-H", field)), f"http://{HOST}:{service.port}{path}"])
    failed = re.search(r"(\d+) failed, (\d+) errored, (\d+) timeout", text)
    if not failed or any(int(count) for count in failed.groups()):
        raise Failure(f"{service.name} did not answer all: {failed.group(0) if failed else text[-200:]}")
    figures = {"rate": float(re.search(r"finished in .*, ([\d.]+) req/s", text).group(1))}
    return with_cpu(figures, before, cpu_seconds(service), seconds)
