"""Receives what Alertmanager sends, and writes one line an alert: a pager that can be seen without a mail server.

    python3 notifications.py [HOST:PORT]        (0.0.0.0:9095 where none is given)

    2026-01-31 12:00:00 PAGE    firing    frontend  FrontendUnreachable  The frontend does not answer  → docs/runbooks/…

It is also the one who misses the watchdog: after SILENCE seconds without that heartbeat it writes a line, since nobody
else can tell that alerts do not get through. Standard library only, and no other file of this directory, so that a
container can run it as it is.
"""

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SILENCE = 90  # seconds; the heartbeat comes every 15 to 30, after a start within a minute
LARGEST = 1 << 20  # bytes of a message


def now():
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())


def say(*words):
    print(now(), *words, flush=True)


def lines(receiver, message):
    """One line for each alert of a message of Alertmanager's."""
    for alert in message["alerts"]:
        labels, notes = alert["labels"], alert.get("annotations", {})
        yield (f"{receiver.upper():7} {alert['status']:8}  {labels.get('service', '-'):10} {labels['alertname']:22} "
               f"{notes.get('summary', '')}  → {notes.get('runbook_url', 'no runbook')}")


class Heartbeat:
    """When the watchdog was heard last, and whether its silence was told."""

    def __init__(self, clock=time.monotonic):
        self.clock, self.last, self.silent, self.first = clock, clock(), False, True

    def beat(self):
        """What there is to say, if anything."""
        self.last = self.clock()
        told, self.silent, first, self.first = self.silent, False, self.first, False
        if told or first:
            return "WATCHDOG heard" + (" again" if told and not first else "") + ": alerts get through"
        return None

    def check(self):
        if self.silent or self.clock() - self.last <= SILENCE:
            return None
        self.silent = True
        return (f"WATCHDOG silent for {SILENCE} s: Prometheus or Alertmanager does not work, so no alert gets through"
                "  → docs/runbooks/Watchdog.md")


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self._answer(200, "receives what Alertmanager posts to /page, /ticket and /watchdog\n")

    def do_POST(self):
        receiver = self.path.strip("/")
        try:
            size = int(self.headers.get("Content-Length", ""))
            told = list(lines(receiver, json.loads(self.rfile.read(size)))) if size <= LARGEST else None
        except (ValueError, KeyError, TypeError, AttributeError):
            told = None
        if told is None or receiver not in ("page", "ticket", "watchdog"):
            return self._answer(400, "this is no message of Alertmanager's to /page, /ticket or /watchdog\n")
        self._answer(200, "ok\n")
        for line in self._heard(told) if receiver == "watchdog" else told:
            say(line)

    def _heard(self, told):
        """A watchdog that ended is no heartbeat: Alertmanager has not heard of it any more, either."""
        said = self.server.heartbeat.beat() if any(" firing " in line for line in told) else None
        return [said] if said else []

    def _answer(self, status, text):
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *words):
        """Only alerts are worth a line."""


def watch(heartbeat):
    while True:
        time.sleep(1)
        if said := heartbeat.check():
            say(said)


def main(address="0.0.0.0:9095"):
    host, port = address.rsplit(":", 1)
    server = ThreadingHTTPServer((host, int(port)), Handler)
    server.heartbeat = Heartbeat()
    threading.Thread(target=watch, args=[server.heartbeat], daemon=True).start()
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
