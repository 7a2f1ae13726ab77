"""Six questions, each a query in a file of its own. Two frontends and a target that is down have a history of five minutes
that is made in two seconds; every answer has one truth, which is counted from their pages without PromQL."""

import threading

from workshop.course.counting import grown, per_second, quantile
from workshop.course.history import History
from workshop.course.judging import Question, asked, query

FAST, SLOW = "127.0.0.1:5000", "127.0.0.1:5010"
DELAY_MS = 40
BUSY, QUIET = 6, 15         # steps with and without requests; the last minute lies in the busy ones
SPAN = 3                    # steps between the first and the last page of a minute
SECONDS = SPAN * History.STEP
HELLO = 'endpoint="/hello"'
SUM, COUNT, BUCKET = (f"http_latency_{part}" for part in ("sum", "count", "bucket"))


def check(t):
    written(t, next(iter(QUESTIONS)))  # before the work of a history that nobody asks
    history, pages = made(t)
    history.load()
    for name, question in QUESTIONS.items():
        asked(history, f"{name}.promql", written(t, name), question(pages))
        t.saw(f"{name}.promql: {SAW[name]}")


def written(t, name):
    return query(t.answer(f"answers/06/{name}.promql"), f"{name}.promql")


# Five minutes.

def made(t):
    """(history, {instance: [growth of each step of the last minute]})"""
    t.place.declare_queue()
    fast, slow = t.product("frontend"), t.product("frontend", "--hello-delay", str(DELAY_MS))
    history, step = History(t), History.STEP
    for _ in range(2):
        requests(fast, slow, 4)
    for at in range(0, QUIET * step, step):
        look(history, fast, slow, at)
    pages = []
    for i in range(BUSY):
        if i == BUSY - 2:
            slow.end()
            slow = t.product("frontend", "--hello-delay", str(DELAY_MS))  # a restart: its counters begin at 0 again
        requests(fast, slow)
        pages.append(look(history, fast, slow, (QUIET + i) * step))
    return history, pages[-SPAN - 1:]


def look(history, fast, slow, at):
    history.refused("traffic", "127.0.0.1:5002", at)
    pages = {FAST: users(fast.page()), SLOW: users(slow.page())}
    for instance, page in pages.items():
        history.put("frontend", instance, page, at)
    return pages


def users(page):
    """Without what the check asks by itself while a frontend starts, which is now more, now less."""
    for family in page.families.values():
        family.samples[:] = [sample for sample in family.samples if sample.labels.get("endpoint") != "/ready"]
    return page


def requests(fast, slow, hellos=8):
    threads = [threading.Thread(target=slow.get, args=("/hello",)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(hellos):
        fast.get("/hello")
    for path in ("/fruit?name=pears", "/fruit?name=stones", "/fruit?name=apples", "/nowhere"):
        fast.get(path)
    slow.get("/fruit?name=grapes")
    for thread in threads:
        thread.join()


# The questions. A mistake is a query that somebody may have written instead, with what to say then.

def down(pages):
    return Question({(("instance", "127.0.0.1:5002"), ("job", "traffic")): 0}, "the targets that do not answer, alone",
                    (("up", "that is every target; `up == 0` keeps those whose value is 0"),
                     ("up == 1", "those are the ones that answer"),
                     ("count(up == 0)", "that is how many there are; the question is which")))


def greetings(pages):
    rate = "sum(rate(hello_total[1m]))"
    return Question({(): per_second(pages, SECONDS, "hello_total")}, "greetings a second in the last minute, of all frontends", (
        ("sum(hello_total)", "a counter's value says how many there were since its program started, which nobody wants to "
         "know; rate(hello_total[1m]) says how many a second"),
        ("hello_total", "a counter's value says how many there were since its program started, one value for each frontend; "
         "take the rate, then the sum"),
        ("rate(hello_total[1m])", "two frontends run, and each has a rate of its own: sum(…) adds them up"),
        ("sum(increase(hello_total[1m]))", "that is how many in the minute; rate says how many a second"),
        ("(sum(hello_total) - sum(hello_total offset 1m)) / 60", "a frontend was restarted meanwhile, and its counter "
         "began at 0 again: rate sees that, a difference does not"),
        ("sum(rate(hello_total[5m]))", "that is the last five minutes, the quiet ones before the load included"),
        ("avg(rate(hello_total[1m]))", "an average of the frontends; the greetings of all are their sum"),
        (f"{rate} * 60", "that is a minute's; the question is for a second")))


def by_endpoint(pages):
    name = "http_requests_total"
    endpoints = {labels["endpoint"] for labels in pages[-1][FAST].labels(name)}
    truth = {(("endpoint", endpoint),): per_second(pages, SECONDS, name, endpoint=endpoint) for endpoint in sorted(endpoints)}
    return Question(truth, "requests a second of each endpoint", (
        (f"sum by (endpoint) ({name})", "those are all requests since the start; take the rate, then the sum"),
        (f"rate({name}[1m])", "one value for each method, code and frontend; sum by (endpoint) puts them together"),
        (f"sum(rate({name}[1m]))", "that is all endpoints together; `by (endpoint)` behind sum keeps them apart"),
        (f"avg by (endpoint) (rate({name}[1m]))", "an average over methods, codes and frontends has no meaning here")))


def p95(pages):
    rate = f"rate({BUCKET}{{{HELLO}}}[1m])"
    return Question({(): quantile(pages, 0.95, "http_latency", endpoint="/hello")}, "seconds within which 95 % of them came", (
        (f"histogram_quantile(0.95, {rate})", "one value for each frontend; add their buckets up first: sum by (le) (rate(…))"),
        (f"avg(histogram_quantile(0.95, {rate}))", "quantiles cannot be averaged: the slow frontend has fewer requests. "
         "Buckets can be added up, so sum by (le) first, then the quantile"),
        (f"max(histogram_quantile(0.95, {rate}))", "that is the worst of the frontends, not all requests together"),
        (f"histogram_quantile(0.95, sum by (le) (rate({BUCKET}[1m])))", "that is every endpoint; the greetings are at "
         "/hello"),
        (f"histogram_quantile(0.95, sum by (le) ({BUCKET}{{{HELLO}}}))", "that is since the start of the programs; take the "
         "rate of the buckets over the last minute first"),
        (f"histogram_quantile(0.5, sum by (le) ({rate}))", "0.5 is the half; 95 % is 0.95"),
        (f"histogram_quantile(0.05, sum by (le) ({rate}))", "that is what 5 % stay below"),
        (f"sum(rate({SUM}{{{HELLO}}}[1m])) / sum(rate({COUNT}{{{HELLO}}}[1m]))", "that is the mean, which hides the slow "
         "ones")))


def mean(pages):
    over = f"{{{HELLO}}}[1m]"
    truth = grown(pages, SUM, endpoint="/hello") / grown(pages, COUNT, endpoint="/hello")
    return Question({(): truth}, "seconds that a greeting took on average in the last minute", (
        (f"sum(rate({SUM}{over}))", "that is how many seconds of waiting came up each second; divide by the requests a second"),
        (f"rate({SUM}{over}) / rate({COUNT}{over})", "one mean for each frontend and method; sum both sides of the / first"),
        (f"avg(rate({SUM}{over}) / rate({COUNT}{over}))", "the mean of means: the frontend with few requests counts as much as "
         "the one with many. Sum both sides of the / first"),
        (f"sum({SUM}{{{HELLO}}}) / sum({COUNT}{{{HELLO}}})", "that is the mean since the programs started; rate both first"),
        (f"sum(rate({SUM}[1m])) / sum(rate({COUNT}[1m]))", "that is every endpoint; the greetings are at /hello"),
        (f"sum(rate({COUNT}{over})) / sum(rate({SUM}{over}))", "the wrong way round: seconds by requests")))


def refused(pages):
    name, fruit = "http_requests_total", 'endpoint="/fruit"'
    codes = {labels["code"] for labels in pages[-1][FAST].labels(name) if labels["code"].startswith("4")}
    bad = sum(grown(pages, name, endpoint="/fruit", code=code) for code in codes)
    rate = f'sum(rate({name}{{{fruit},code=~"4.."}}[1m]))'
    all_ = f"sum(rate({name}{{{fruit}}}[1m]))"
    return Question({(): bad / grown(pages, name, endpoint="/fruit")}, "the share of requests to /fruit that were refused", (
        (rate, "that is how many a second; a share is that divided by all requests to /fruit"),
        (f"100 * {rate} / {all_}", "in percent; Prometheus's own units are shares of 1, and dashboards show them as percent"),
        (f'{rate} / sum(rate({name}{{{fruit},code!~"4.."}}[1m]))', "divided by the good ones; a share is of all"),
        (f'sum(rate({name}{{code=~"4.."}}[1m])) / sum(rate({name}[1m]))', "that is every endpoint, not /fruit"),
        (f'{rate} / sum(rate({name}[1m]))', "the lower part needs endpoint=\"/fruit\" as well")))


QUESTIONS = {"down": down, "greetings": greetings, "by_endpoint": by_endpoint, "p95": p95, "mean": mean, "refused": refused}
SAW = {
    "down": "finds the one target that does not answer",
    "greetings": "right, although a frontend was restarted in that minute",
    "by_endpoint": "right for each endpoint, over both frontends",
    "p95": "right; one frontend answers slowly, and the average of two quantiles would have been wrong",
    "mean": "right",
    "refused": "right",
}
