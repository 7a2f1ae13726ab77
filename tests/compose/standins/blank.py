"""Says yes to every GET, at Grafana's port: no Grafana, but what waits for one goes on."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()

    def log_message(self, *words):
        """Nobody wants to know."""


ThreadingHTTPServer(("0.0.0.0", 3000), Handler).serve_forever()
