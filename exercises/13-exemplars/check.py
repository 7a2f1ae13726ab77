"""Exemplars in http_latency that name the request's trace, and a script that leads from a slow bucket to the line in the log."""

import json
import os
import re
import secrets
import socket
import subprocess
import threading
import time

from workshop import ports
from workshop.course import Wrong, expect

LABELS = {"method": "POST", "endpoint": "/fruit"}
SCRIPT = "answers/13/lines.sh"
SLOW_S, MIDDLE_S = 1.15, 0.3
ORDER = b'{"fruit":"pears","quantity":3}'
EXEMPLAR = re.compile(r'^(?P<series>http_latency_bucket\{[^}]*\}) \S+ # \{(?P<labels>[^}]*)\} (?P<value>\S+)', re.M)


def check(t):
    frontend = started(t)
    expect.family(frontend.page(), "http_latency", "histogram", labels=["method", "endpoint"], where="the frontend's /metrics")
    slow = Slow(frontend)  # takes its time while the rest is looked at
    exemplars(t, frontend)
    machines(frontend)
    text = t.answer(SCRIPT)
    api = t.prometheus({"frontend": frontend.url})
    slow.join()
    script(t, frontend, api, slow, text)


def started(t):
    """The first requests are the check's own, for pages without a trace."""
    try:
        frontend = t.mine("frontend")
        frontend.page()  # a request is observed after its answer, so what it crashes is missed by the next one
        return frontend
    except Wrong as wrong:
        asked = "request_known_trace" in (t.tree / "frontend/observe.c").read_text(errors="replace")
        if "crashed (SIG" not in wrong.saw or not asked:
            raise
        raise Wrong(wrong.saw, expected=wrong.expected, shown=wrong.shown,
                    likely="request_known_trace says NULL for requests that no log has a line of, such as /ready: is that asked "
                           "before trace_id_write?") from None


# Requests whose trace the check knows.

def traced(frontend, seconds=0.0):
    """A POST /fruit whose body comes so late; its trace id."""
    trace = secrets.token_hex(16)
    head = (f"POST /fruit HTTP/1.1\r\nHost: check\r\nContent-Type: application/json\r\nContent-Length: {len(ORDER)}\r\n"
            f"traceparent: 00-{trace}-{secrets.token_hex(8)}-01\r\nConnection: close\r\n\r\n").encode()
    with socket.create_connection((ports.HOST, frontend.port), 5) as peer:
        peer.sendall(head)
        time.sleep(seconds)  # the slow client; nothing is waited for
        peer.sendall(ORDER)
        while peer.recv(4096):
            pass
    return trace


class Slow(threading.Thread):
    """One in the middle and a slow one, meanwhile."""

    def __init__(self, frontend):
        super().__init__(daemon=True)
        self.frontend, self.middle, self.trace = frontend, None, None
        self.start()

    def run(self):
        try:
            self.middle, self.trace = traced(self.frontend, MIDDLE_S), traced(self.frontend, SLOW_S)
        except OSError:
            pass  # the frontend has ended, which the check says in its own words


# The page.

def found(frontend):
    """{(series, labels' text): seconds} of the exemplars in OpenMetrics."""
    text = frontend.get("/metrics", Accept="application/openmetrics-text").body
    return {(match["series"], match["labels"]): float(match["value"]) for match in EXEMPLAR.finditer(text)}


def exemplars(t, frontend):
    before = frontend.page()
    trace = traced(frontend)
    grown = frontend.page() - before
    expect.grew(grown, "http_latency_count", 1, "one POST /fruit",
                "histogram_observe_exemplar observes as well: call it in the place of histogram_observe, not besides", **LABELS)
    there = found(frontend)
    if not there:
        raise Wrong("no bucket of http_latency has an exemplar, in OpenMetrics",
                    expected=f'# {{trace_id="{trace}"}} behind one of them',
                    likely="does observe_answer call your function, with request_known_trace(x), before histogram_observe? And "
                           "is it histogram_observe_exemplar that observes in it?")
    if not any(f'trace_id="{trace}"' in labels for _, labels in there):
        shown = next((labels for series, labels in there if "POST" in series), "missing")
        raise Wrong(f"the exemplar of a POST /fruit with the trace {trace} is {{{shown}}}", expected=f'{{trace_id="{trace}"}}',
                    likely="EXEMPLAR takes a name, trace_id, and a text, which trace_id_write writes")
    t.saw("a bucket's exemplar names the trace of a request in it")


def machines(frontend):
    """/metrics and /health have no line in the log, so they must have no exemplar, and must do no harm."""
    frontend.get("/health")
    wrong = [series for series, _ in found(frontend) if "/health" in series or "/metrics" in series]
    if wrong:
        raise Wrong(f"{wrong[0]} has an exemplar, and no log has a line of such a request",
                    expected="exemplars that lead somewhere", likely="ask request_known_trace, which is NULL then")


# The script.

def script(t, frontend, api, slow, text):
    selector = 'http_latency_bucket{method="POST",endpoint="/fruit",le="2.5"}'
    t.until(lambda: slow.trace in str(_exemplars(api, selector)), 15,
            Wrong("Prometheus has no exemplar of the slow request", likely="does the histogram's name its trace?"))
    t.until(lambda: slow.trace in frontend.log_text(), 5, Wrong("the frontend's log has no line of the slow request"))
    lines, said = run(t, frontend, api)
    if not lines:
        raise Wrong(f"mine/{SCRIPT} prints nothing", expected="the line of the slow request", shown=said,
                    likely="does the bucket hold it? Without a bound, or in the wrong one, nothing is found"
                    if "bucket=''" not in text else "what is missing in it is told in its comments")
    ids = {json.loads(line).get("trace_id") if line.startswith("{") else None for line in lines}
    if slow.middle in ids or len(ids) > 1:
        raise Wrong(f"mine/{SCRIPT} prints {len(lines)} lines, of {len(ids)} requests", shown=lines[0][:200],
                    expected=f"one: the request that took {SLOW_S} s",
                    likely="an exemplar sits in the lowest bucket that the request fits into; name that one alone")
    if ids != {slow.trace}:
        raise Wrong(f"mine/{SCRIPT} prints what is no line of the slow request", shown=lines[0][:200],
                    expected=f"the line with the trace_id {slow.trace}", likely="look for $id in the file $log")
    seconds = json.loads(lines[0])["seconds"]
    t.saw(f"the script leads from the bucket to the line: {seconds:.2f} s, trace_id {slow.trace}")


def _exemplars(api, selector):
    now = time.time()
    return api._get("query_exemplars", query=selector, start=now - 300, end=now + 1)


def run(t, frontend, api):
    """(what it prints, line by line; what it complains of)"""
    environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "PROMETHEUS": api.url, "LOG": str(frontend.log)}
    try:
        done = subprocess.run(["sh", str(t.tree / SCRIPT)], capture_output=True, text=True, timeout=10, env=environment,
                              stdin=subprocess.DEVNULL, cwd=t.scratch)
    except subprocess.TimeoutExpired:
        raise Wrong(f"mine/{SCRIPT} has not ended after 10 s", expected="a line, at once",
                    likely="a command without a file, such as grep, waits for its input") from None
    return [line for line in done.stdout.splitlines() if line.strip()], done.stderr.strip()[-300:] or None
