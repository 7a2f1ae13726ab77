"""hello_total counts GET /hello; fruit_requests_total counts the requests for fruit that passed validation."""

from workshop.course import Wrong, expect

HELLOS = 7


def check(t):
    frontend = t.mine("frontend")
    hello(t, frontend)
    fruit(t, frontend)


def hello(t, frontend):
    before = frontend.page()
    expect.family(before, "hello_total", "counter", where="the frontend's /metrics")
    for _ in range(HELLOS):
        frontend.get("/hello")
    frontend.get("/fruit")
    frontend.get("/nowhere")
    expect.grew(frontend.page() - before, "hello_total", HELLOS,
                f"{HELLOS} requests GET /hello, one GET /fruit and one for a page that is not there",
                likely="counter_inc(&hello_total) belongs into hello_get, once")
    t.saw(f"hello_total grew by {HELLOS} for {HELLOS} requests GET /hello")


def fruit(t, frontend):
    before = frontend.page()
    expect.family(before, "fruit_requests_total", "counter", where="the frontend's /metrics")
    step(frontend, "GET /fruit?name=pears", 1, lambda: frontend.get("/fruit?name=pears"), 200,
         "fruit_get does not count, or counts another metric")
    step(frontend, "POST /fruit", 1, lambda: frontend.post("/fruit", {"fruit": "pears", "quantity": 3}), 200,
         "fruit_post does not count; a metric is known in its own file only, so give other files a function")
    step(frontend, "GET /fruit?name=stones, which is answered 400", 0, lambda: frontend.get("/fruit?name=stones"), 400,
         "fruit_get counts before it knows that the name is valid")
    step(frontend, "POST /fruit of 0 pears, which is answered 400", 0,
         lambda: frontend.post("/fruit", {"fruit": "pears", "quantity": 0}), 400,
         "fruit_post counts before it has validated the order")
    step(frontend, "GET /hello", 0, lambda: frontend.get("/hello"), 200, "hello_get has a counter of its own")
    t.saw("fruit_requests_total counts valid GET and POST /fruit, and nothing else")


def step(frontend, what, by, request, status, likely):
    before = frontend.page()
    answer = request()
    if answer.status != status:
        raise Wrong(f"{what} is answered {answer.status}: {answer.body.strip()[:80]}", expected=str(status),
                    likely="counting must not change what is answered")
    expect.grew(frontend.page() - before, "fruit_requests_total", by, f"one {what}", likely=likely)
