"""http_latency{method,endpoint}: seconds, in buckets, for every answer, and a bounded number of series."""

from workshop.course import Wrong, expect

REQUESTS, DELAY_MS = 5, 60
BUCKETS = ("0.005", "0.1", "0.25", "0.75", "1", "2.5", "10")
METHODS, ENDPOINTS = ("GET", "HEAD", "POST", "other"), ("/hello", "/fruit", "/stats", "/metrics", "/health", "/ready", "other")
HELLO = {"method": "GET", "endpoint": "/hello"}


def check(t):
    frontend = t.mine("frontend", "--hello-delay", str(DELAY_MS))
    page = frontend.page()
    expect.family(page, "http_latency", "histogram", labels=["method", "endpoint"], where="the frontend's /metrics")
    start(page)
    durations(t, frontend)
    every_route(t, frontend)
    strangers(frontend)
    t.saw("and strangers cannot make new series")


def start(page):
    for labels in (HELLO, {"method": "POST", "endpoint": "/fruit"}):
        if page.value("http_latency_count", **labels) is None:
            raise Wrong(f"there is no {expect.series('http_latency_count', **labels)} before the first such request",
                        expected="0, so that rate() sees the first one grow",
                        likely="call with() in observe_init for each line of the table, as it is done for the codes")
    there = {float(labels["le"]) for labels in page.labels("http_latency_bucket")}
    for bound in BUCKETS:
        if float(bound) not in there:
            raise Wrong(f'http_latency has no bucket le="{bound}"', expected="the buckets of BUCKETS_DEFAULT, .005 to 10",
                        likely="a quantile is told no finer than the buckets are, so take those that fit what you measure")


def durations(t, frontend):
    before = frontend.page()
    took = sum(frontend.get("/hello").seconds for _ in range(REQUESTS))
    grown = frontend.page() - before
    requests = f"{REQUESTS} requests GET /hello"
    expect.grew(grown, "http_latency_count", REQUESTS, requests, "is histogram_observe called once in observe_answer?", **HELLO)
    told = grown.of("http_latency_sum", **HELLO)
    for factor, unit in ((1e3, "milliseconds"), (1e6, "microseconds"), (1e9, "nanoseconds")):
        if 0.5 * factor * took < told < 2 * factor * took:
            raise Wrong(f"http_latency is in {unit}: its sum grew by {told:.0f} for requests that took {took:.2f} s",
                        expected="seconds, the unit that all tools around Prometheus expect", likely="take `seconds` as it is")
    least = 0.9 * REQUESTS * DELAY_MS / 1000
    if not least < told < took + 0.05:
        raise Wrong(f"http_latency's sum grew by {told:.3g} for {requests} that took {took:.2f} s",
                    expected=f"about {took:.2f}", likely="what is measured is not the time from the request's first byte to "
                    "the answer's last, which observe_answer is handed as `seconds`")
    t.saw(f"its sum grew by {told:.2f} s for {requests} that took {took:.2f} s")


def every_route(t, frontend):
    requests = {("GET", "/fruit"): lambda: frontend.get("/fruit"),
                ("POST", "/fruit"): lambda: frontend.post("/fruit", {"fruit": "pears", "quantity": 3}),
                ("GET", "other"): lambda: frontend.get("/nowhere")}
    for (method, endpoint), request in requests.items():
        before = frontend.page()
        request()
        expect.grew(frontend.page() - before, "http_latency_count", 1, f"one {method} of {endpoint}",
                    "every answer passes observe_answer, whoever gave it", method=method, endpoint=endpoint)
    t.saw("each route has its own series")


def strangers(frontend):
    for number in range(3):
        frontend.get(f"/nowhere/{number}")
    frontend.request("DELETE", "/hello")
    page = frontend.page()
    expect.bounded(page, "http_latency_count", "endpoint", ENDPOINTS,
                   "take the route that matched, not the path that was sent: `endpoint` in observe_answer")
    expect.bounded(page, "http_latency_count", "method", METHODS,
                   "take `method` as find_or_other leaves it, not what the request says")
