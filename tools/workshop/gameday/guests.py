"""A program that makes requests, and counts them wrongly: the whole path, with the guest's name, becomes a label's value.

    with Guests("http://127.0.0.1:5000") as guests:
        guests.port          of its /metrics
        guests.request()     one more guest
"""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from ..ports import HOST
from ..service import http_get

LIMIT = 500  # guests, after which the first comes again: enough to be far above the budget, and no harm to Prometheus
BUCKETS = ("0.01", "0.1", "1", "+Inf")
NAMES = ("Ada", "Grace", "Barbara", "Frances", "Karen", "Radia", "Adele", "Jean")


class Guests:
    def __init__(self, frontend):
        self.frontend, self._count, self._lock = frontend, {}, threading.Lock()

    def __enter__(self):
        guests = self

        class Page(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.end_headers()
                self.wfile.write(guests.page().encode())

            def log_message(self, *words):
                pass

        self._server = ThreadingHTTPServer((HOST, 0), Page)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()
        return self

    def __exit__(self, *exception):
        self._server.shutdown()
        self._server.server_close()

    def request(self):
        number = sum(self._count.values()) % LIMIT
        path = f"/fruit?guest={NAMES[number % len(NAMES)]}{number // len(NAMES)}"
        http_get(self.frontend + path, 5)
        with self._lock:
            self._count[path] = self._count.get(path, 0) + 1

    def page(self):
        with self._lock:
            counts = dict(self._count)
        lines = ["# TYPE guest_request_seconds histogram"]
        for path, count in counts.items():
            labels = f'method="GET",endpoint="{path}"'
            lines += [f'guest_request_seconds_bucket{{{labels},le="{le}"}} {count}' for le in BUCKETS]
            lines += [f"guest_request_seconds_sum{{{labels}}} {count * 0.005:g}", f"guest_request_seconds_count{{{labels}}} {count}"]
        return "\n".join(lines) + "\n"
