"""What the board answers; its process.

    python3 -m workshop.boardserver --root DIR --port N --prometheus URL [--dashboards DIR] [--course]

    /  /d/UID  /runbooks/NAME      the page; what it shows is decided in the browser
    /runbooks/NAME.md              a runbook as it is written
    /board/FILE  /vendor/FILE      the page's modules and style; uPlot
    /api/board  /api/dashboards  /api/dashboards/UID       where Prometheus is; the dashboards
    /api/v1/…                      Prometheus's query API, and nothing else of it

Any web page that is open in the same browser can send requests here. So the Host header must name this machine: a
foreign name that was made to point to 127.0.0.1 is refused, and a foreign page can read no answer.
"""

import argparse
import http.client
import json
import re
import socket
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from .dashboards import Broken, find, listing
from .onshow import Hidden, hidden
from .ports import HOST
from .prometheus import Api
from .uplot import CACHE, FILES, Library, Unavailable

DASHBOARDS = ("grafana/dashboards", "mine/answers/07", "mine/answers/08")  # the course's students build and import theirs
QUERY_LIMIT = 64 << 10     # bytes of a request's body
ANSWER_LIMIT = 32 << 20    # bytes of Prometheus's answer
PROMETHEUS_TIMEOUT = 20    # seconds
IDLE_TIMEOUT = 60          # seconds that a browser may keep a connection open without a word
AT_ONCE = 8                # queries that Prometheus gets side by side

QUERIES = re.compile(r"/api/v1/(query|query_range|query_exemplars|series|labels|label/\w+/values"
                     r"|metadata|alerts|rules)")
POSTABLE = re.compile(r"/api/v1/(query|query_range|query_exemplars|series|labels)")
TYPES = {"html": "text/html", "js": "text/javascript", "css": "text/css", "svg": "image/svg+xml", "md": "text/plain",
         "txt": "text/plain", "json": "application/json"}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
                               "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
                               "require-trusted-types-for 'script'",
    "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Refused(Exception):
    """An answer that is no content: its status and one sentence."""

    def __init__(self, status, sentence, kind="bad_request"):
        super().__init__(sentence)
        self.status, self.kind = status, kind


class Place:
    """What the answers are made from."""

    def __init__(self, root, dashboards, prometheus, library, course=False):
        self.course = course
        self.root, self.dashboards, self.prometheus, self.library = root, dashboards, prometheus.rstrip("/"), library
        self.turn = threading.Semaphore(AT_ONCE)

    @property
    def hidden(self):
        """What is no student's to see yet, read anew each time: it appears as soon as a check has passed."""
        return hidden(self.root) if self.course else Hidden()

    def about(self):
        return {"prometheus": self.prometheus, "graph": Api(self.prometheus).pages()[0]}

    def ask(self, method, target, body, kind):
        """Prometheus's answer to a query: (status, content type, body)."""
        address = urllib.parse.urlsplit(self.prometheus)
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=PROMETHEUS_TIMEOUT)
        try:
            with self.turn:
                connection.request(method, target, body, {"Content-Type": kind} if body else {})
                answer = connection.getresponse()
                content = answer.read(ANSWER_LIMIT + 1)
        except (OSError, http.client.HTTPException) as error:
            raise self._silent(error) from None
        finally:
            connection.close()
        if len(content) > ANSWER_LIMIT:
            raise Refused(502, f"the answer has more than {ANSWER_LIMIT >> 20} MB; ask for less", "too_large")
        return answer.status, answer.getheader("Content-Type", "text/plain"), content

    def _silent(self, error):
        if isinstance(error, socket.timeout):
            return Refused(504, f"no answer from Prometheus within {PROMETHEUS_TIMEOUT} s", "timeout")
        return Refused(502, f"Prometheus at {self.prometheus} does not answer ({error})", "unavailable")


def handler(place):
    """The class of request handlers of this place."""
    return type("Handler", (Handler,), {"place": place})


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "board", ""
    timeout = IDLE_TIMEOUT
    disable_nagle_algorithm = True  # head and body are two writes
    place = None

    def do_GET(self):
        self._answer()

    do_HEAD = do_POST = do_GET

    def _answer(self):
        try:
            self._refuse_strangers()
            body = self._body()
            path = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path)
            status, kind, content = self._find(path, body)
        except Refused as refusal:
            self.close_connection = self.close_connection or self.command == "POST"  # its body may not have been read
            status, kind = refusal.status, "application/json"
            content = json.dumps({"status": "error", "errorType": refusal.kind, "error": str(refusal)}).encode()
        self._send(status, kind, content)

    def _refuse_strangers(self):
        port = self.server.server_address[1]
        ours = {f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")}
        if self.headers.get("Host") not in ours:
            raise Refused(403, f"the board answers to 127.0.0.1:{port} and localhost:{port} alone", "forbidden")
        origin = self.headers.get("Origin")
        if origin is not None and origin.removeprefix("http://") not in ours:
            raise Refused(403, "another page's request", "forbidden")

    def _body(self):
        """The request's body, which only a posted query has. After a refusal it is not read: the connection ends."""
        if self.command != "POST":
            self.close_connection |= "Content-Length" in self.headers
            return None
        self.close_connection, text = True, self.headers.get("Content-Length", "")
        if not text.isdecimal():
            raise Refused(411, "a POST needs a Content-Length")
        if int(text) > QUERY_LIMIT:
            raise Refused(413, f"a query has at most {QUERY_LIMIT >> 10} kB", "too_large")
        content = self.rfile.read(int(text))
        self.close_connection = self.headers.get("Connection", "").lower() == "close"
        return content

    def _find(self, path, body):
        if QUERIES.fullmatch(path) and (body is None or POSTABLE.fullmatch(path)):
            method = "POST" if body is not None else "GET"
            return self.place.ask(method, self.path, body, self.headers.get("Content-Type", ""))
        if path.startswith("/api/v1/") or body is not None:
            raise Refused(403, "only queries are handed on to Prometheus", "forbidden")
        for pattern, answer in ROUTES:
            if found := pattern.fullmatch(path):
                return answer(self.place, *found.groups())
        raise Refused(404, f"there is no page {path[:100]}", "not_found")

    def _send(self, status, kind, content):
        self.send_response(status)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def handle(self):
        try:
            super().handle()
        except (ConnectionError, TimeoutError):  # the browser left
            self.close_connection = True

    def log_request(self, code="-", size="-"):
        """Only what went wrong: a board that is open asks several times a second."""
        if isinstance(code, int) and code == 500:  # 502 and 504 are Prometheus, whose silence the page shows
            super().log_request(code, size)


# What is served, by path. Names hold no dot or slash beyond these patterns, so that none leads out of its directory.

def _json(value):
    return 200, "application/json", json.dumps(value).encode()


def _text(path, ending):
    try:
        return 200, f"{TYPES[ending]}; charset=utf-8", path.read_bytes()
    except OSError as error:
        raise Refused(404, f"there is no {path.name} ({error.strerror})", "not_found") from None


def _page(place, name=None):
    return _text(place.root / "board/index.html", "html")


def _part(place, name, ending):
    return _text(place.root / "board" / f"{name}.{ending}", ending)


def _runbook(place, name):
    if name in place.hidden.runbooks:
        number = place.hidden.runbooks[name]
        raise Refused(404, f"the runbook {name} belongs to exercise {number}, and appears when that has passed", "not_found")
    return _text(place.root / "docs/runbooks" / f"{name}.md", "md")


def _vendor(place, name):
    if name not in FILES:
        raise Refused(404, f"there is no {name}", "not_found")
    try:
        content = place.library.file(name)
    except Unavailable as reason:
        raise Refused(503, str(reason), "unavailable") from None
    return 200, f"{TYPES[name.rsplit('.', 1)[1]]}; charset=utf-8", content


def _about(place):
    return _json(place.about())


def _dashboards(place):
    return _json(listing(*place.dashboards, hidden=place.hidden.dashboards))


def _dashboard(place, uid):
    try:
        return _json(find(uid, *place.dashboards, hidden=place.hidden.dashboards))
    except Broken as broken:
        raise Refused(500, str(broken), "broken") from None
    except LookupError as error:
        raise Refused(404, error.args[0], "not_found") from None


ROUTES = [(re.compile(pattern), answer) for pattern, answer in (
    (r"/", _page), (r"/d/([\w-]+)", _page), (r"/runbooks/([\w-]+)", _page), (r"/runbooks/([\w-]+)\.md", _runbook),
    (r"/board/([a-z]+)\.(js|css|svg)", _part), (r"/vendor/([a-z.-]+)", _vendor), (r"/api/board", _about),
    (r"/api/dashboards", _dashboards), (r"/api/dashboards/([\w-]+)", _dashboard))]


class Server(ThreadingHTTPServer):
    daemon_threads = True  # an open connection must not keep the process from ending
    request_queue_size = 64


def main():
    parser = argparse.ArgumentParser(prog="workshop.boardserver")
    parser.add_argument("--root", type=Path, required=True, help="the tree, with board/, grafana/ and docs/ in it")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--prometheus", required=True, help="where queries go, http://HOST:PORT")
    parser.add_argument("--dashboards", type=Path, help="another directory than grafana/dashboards of the tree")
    parser.add_argument("--course", action="store_true", help="a student's: without what belongs to exercises ahead")
    options = parser.parse_args()
    library = Library(options.root / CACHE)
    dashboards = [options.dashboards] if options.dashboards else [options.root / name for name in DASHBOARDS]
    threading.Thread(target=library.fetch_early, daemon=True).start()
    place = Place(options.root, dashboards, options.prometheus, library, options.course)
    with Server((HOST, options.port), handler(place)) as server:
        print(f"board at http://{HOST}:{options.port}, asking {options.prometheus}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
