#!/usr/bin/env python3
"""An old service, as it was before anybody thought of metrics: it answers, and has a page of statistics for people.

    labs/exporter/source.py --port 8082
    curl http://127.0.0.1:8082/anything          takes some milliseconds; one in fifty fails
    curl http://127.0.0.1:8082/stats             what the exporter reads
    curl -X POST http://127.0.0.1:8082/say/nan   from now on the page lies; /say/well ends that

It can be told to say: well, restart (counts from 0 again), down (503), slow, huge, html, nan, negative, missing.
"""

import argparse
import json
import random
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOST = "127.0.0.1"
MOODS = ("well", "restart", "down", "slow", "huge", "html", "nan", "negative", "missing")
SLOW_S = 5  # more than an exporter waits


class Statistics:
    def __init__(self):
        self._lock = threading.Lock()
        self.mood = "well"
        self.forget()

    def forget(self):
        self._codes, self._count, self._sum = {}, 0, 0.0

    def add(self, code, seconds):
        with self._lock:
            self._codes[str(code)] = self._codes.get(str(code), 0) + 1
            self._count, self._sum = self._count + 1, self._sum + seconds

    def page(self):
        with self._lock:
            return {"requestCounters": dict(self._codes),
                    "duration": {"count": self._count, "sum": self._sum, "average": self._sum / max(1, self._count)}}

    def answer(self):
        """(status, bytes) of /stats, in the mood that it is in."""
        page = self.page()
        if self.mood == "slow":
            time.sleep(SLOW_S)
        if self.mood == "negative":
            page["duration"]["count"] = -1
        if self.mood == "missing":
            del page["duration"]
        text = {"huge": json.dumps(page | {"padding": "x" * (1 << 20)}), "html": "<h1>Statistics</h1>",
                "nan": json.dumps(page | {"duration": {"count": 1, "sum": float("nan")}})}.get(self.mood, json.dumps(page))
        return (503 if self.mood == "down" else 200), text.encode()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    statistics = Statistics()

    def do_GET(self):
        if self.path == "/stats":
            return self.reply(*self.statistics.answer())
        if self.path.startswith("/say/"):
            return self.reply(405, b"it is told by POST: curl -X POST ...\n")
        begin = time.monotonic()
        time.sleep(random.expovariate(1 / 0.03))
        code = 404 if self.path == "/nowhere" else 500 if random.random() < 0.02 else 200
        self.statistics.add(code, time.monotonic() - begin)
        return self.reply(code, b"{}\n")

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not self.path.startswith("/say/"):
            return self.do_GET()
        mood = self.path.removeprefix("/say/")
        if mood not in MOODS:
            return self.reply(400, f"it can say: {', '.join(MOODS)}\n".encode())
        if mood == "restart":
            self.statistics.forget()
        self.statistics.mood = "well" if mood == "restart" else mood
        return self.reply(200, f"from now on: {mood}\n".encode())

    def reply(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        """A line a request would be all that its log holds."""


def main():
    parser = argparse.ArgumentParser(description="An old service with a page of statistics, for the exporter to read.")
    parser.add_argument("--port", type=int, default=8082)
    parser.add_argument("--host", default=HOST)
    options = parser.parse_args()
    ThreadingHTTPServer.daemon_threads = True
    server = ThreadingHTTPServer((options.host, options.port), Handler)
    print(f"an old service on http://{options.host}:{options.port}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


main()
