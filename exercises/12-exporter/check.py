"""An exporter: what the source says, as metrics, and nothing that the source has not said just now."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from workshop import ports
from workshop.course import Wrong, expect

UP, REQUESTS, SECONDS = "stats_up", "stats_requests_total", "stats_request_seconds_total"
RATE, AVERAGE = 1.2345, 0.0625  # as no counter here ever stands
LOST = 7                        # requests for a page that the frontend has not got


def check(t):
    with Source() as source:
        exporter = t.mine("exporter", "--source", source.url)
        first(t, exporter, source)
        on(t, exporter, source)
        anew(t, exporter, source)
        silent(t, exporter, source)
        source.says(statistics({"200": 4}, 0.25))
        judge(exporter.page(), {"200": 4}, 0.25, "after the source came back")
    gone(t, exporter)
    real(t)


# The check's own source.

class Source:
    """Answers GET /stats with (status, bytes)."""

    def __enter__(self):
        self.answer = 404, b""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                status, body = outer.answer if self.path == "/stats" else (404, b"")
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *words):
                pass

        self._server = HTTPServer((ports.HOST, 0), Handler)
        self.url = f"http://{ports.HOST}:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *exception):
        self._server.shutdown()
        self._server.server_close()

    def says(self, content, status=200):
        self.answer = status, content if isinstance(content, bytes) else json.dumps(content).encode()


def statistics(codes, seconds):
    return {"requestCounters": codes, "requestRates": {code: RATE for code in codes},
            "duration": {"count": sum(codes.values()), "sum": seconds, "average": AVERAGE}}


# What the page must say.

def judge(page, codes, seconds, when):
    """That it says what the source said, and no more."""
    if page.value(UP) != 1:
        raise Wrong(f"{UP} is {told(page, UP)} {when}", expected="1: the source answers with statistics",
                    likely="is the answer of this scrape kept in stats_take, and looked at in collect?")
    for code, count in codes.items():
        value = page.value(REQUESTS, code=code)
        if value != count:
            raise Wrong(f'{expect.series(REQUESTS, code=code)} is {told(page, REQUESTS, code=code)} {when}, and the source says {count}',
                        expected=f"{count}: its own number, not added to an earlier one",
                        likely="tell what the source says now; it is the source that counts")
    for labels in page.labels(REQUESTS):
        if labels.get("code") not in codes:
            raise Wrong(f"{expect.series(REQUESTS, **labels)} is told {when}, and the source does not speak of it",
                        expected="only what the source said at this scrape", likely="something is kept from an earlier one")
    if page.value(SECONDS) != seconds:
        raise Wrong(f"{SECONDS} is {told(page, SECONDS)} {when}", expected=f"{seconds:g}, the source's duration.sum",
                    likely="that is the average, and Prometheus makes its own" if page.value(SECONDS) == AVERAGE else
                    "is it duration.sum, and what was said at this scrape?")


def told(page, name, **labels):
    value = page.value(name, **labels)
    return "not there" if value is None else f"{value:g}"


def first(t, exporter, source):
    codes = {"200": 70, "503": 3}
    source.says(statistics(codes, 12.5))
    page = exporter.page()
    expect.family(page, UP, "gauge", where="the exporter's /metrics")
    for name, labels in ((REQUESTS, ["code"]), (SECONDS, [])):
        if name not in page.families and page.value(UP) == 0:
            raise Wrong(f"{UP} is 0 although the source answers", expected="1, and the counters",
                        likely="json_loadb gives NULL for what it cannot read: does it get body and len?")
        expect.family(page, name, "counter", labels, where="the exporter's /metrics")
    judge(page, codes, 12.5, "at the first scrape")
    for family in page.families.values():
        for sample in family.samples:
            if sample.value in (RATE, AVERAGE):
                raise Wrong(f"{sample.name} passes on {'a rate' if sample.value == RATE else 'an average'} that the source worked out",
                            expected=f"{UP}, {REQUESTS} and {SECONDS} alone",
                            likely="pass on raw counts; rate() makes of them what you like, over any window")
    t.saw("what the source says becomes metrics")


def on(t, exporter, source):
    codes = {"200": 75, "404": 1, "503": 3}
    source.says(statistics(codes, 13.75))
    judge(exporter.page(), codes, 13.75, "at the second scrape")
    judge(exporter.page(), codes, 13.75, "at the third scrape")
    t.saw("and when it counts on, so do they")


def anew(t, exporter, source):
    source.says(statistics({"200": 2}, 0.5))
    judge(exporter.page(), {"200": 2}, 0.5, "after the source was started anew")
    t.saw("when the source starts anew, they begin anew")


def silent(t, exporter, source):
    for what, answer in (("answers 503", (b"{}", 503)), ("says what is no JSON", (b"<h1>It works!</h1>",)),
                         ("says JSON that is no statistics", ({"hello": "world"},))):
        source.says(*answer)
        down(exporter, f"the source {what}")
    t.saw("a source that talks nonsense is not up")


def gone(t, exporter):
    down(exporter, "the source is down")
    t.saw(f"without a source there is {UP} 0 and no stale value")


def down(exporter, what):
    page = exporter.page()
    if page.value(UP) != 0:
        raise Wrong(f"{UP} is {told(page, UP)} although {what}", expected="0",
                    likely="nothing of an earlier answer may be left: forget it at the beginning of stats_take")
    for name in (REQUESTS, SECONDS):
        if page.value(name) is not None:
            raise Wrong(f"{name} is still told although {what}", expected=f"{UP} 0 and nothing else",
                        likely="stale values look like a service that is well: return from collect where the source is not up")


def real(t):
    frontend = t.product("frontend")
    exporter = t.mine("exporter", "--source", frontend.url)
    for _ in range(LOST):
        frontend.get("/nowhere")
    value = exporter.page().value(REQUESTS, code="404")
    if value != LOST:
        raise Wrong(f'{expect.series(REQUESTS, code="404")} is {value} after {LOST} requests to a frontend for a page that is not there',
                    expected=str(LOST), likely="curl its /stats: is there more in it than you read?")
    t.saw(f"and of a real frontend it tells the {LOST} requests that were lost")
