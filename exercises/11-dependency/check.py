"""cache_requests_total{result} counts requests by what the cache said; two queries tell the hit ratio and the queue's depth."""

import os
import signal
import socket

from workshop import ports
from workshop.course import Wrong, answers, expect
from workshop.service import http_get

NAME, RESULTS = "cache_requests_total", ("hit", "miss", "error")
KEY, PATH = "fruit_pears", "/fruit?name=pears"
HITS, MISSES = 30, 10             # before Prometheus looks: a ratio of 0.75 since the start
RECENT_HITS, RECENT_MISSES = 2, 6  # while it looks: 0.25
TOGETHER = 5                      # requests that wait for one look-up
PUBLISHED, HELD, OTHERS = 10, 3, 4  # messages in task_queue, those that a worker holds, and those of another queue


def check(t):
    frontend = t.mine("frontend", "--redis-deadline", "10000", ready=with_redis)  # a busy computer makes no errors
    from_the_start(frontend.page())
    backend = fill_queues(t)  # early, for RabbitMQ tells of a queue every few seconds only
    requests(t, frontend)
    without_redis(t)
    ratio, depth = (answers.query(t, f"answers/11/{name}.promql") for name in ("hit_ratio", "queue_depth"))
    api = prometheus(t, frontend)
    the_ratio(t, api, frontend, ratio)
    the_depth(t, api, depth)
    os.kill(backend.pid, signal.SIGKILL)  # it would wait for its job of a minute


def with_redis(running):
    """It is ready without, too; what it is asked then would be an error."""
    status, body = http_get(running.url + "/ready")
    return status == 200 and '"redis":"up"' in body


# The counter.

def from_the_start(page):
    expect.family(page, NAME, "counter", labels=["result"], where="the frontend's /metrics")
    for result in RESULTS:
        if page.value(NAME, result=result) is None:
            raise Wrong(f"there is no {expect.series(NAME, result=result)} before the first request",
                        expected="all three, with 0",
                        likely="call with() for each of them in fruit_lookups_init, and keep the pointers")
    expect.bounded(page, NAME, "result", RESULTS, "the values are hit, miss and error")


def requests(t, frontend):
    ask(t, frontend, "hit", HITS, f"{HITS} requests for what the cache has")
    ask(t, frontend, "miss", MISSES, f"{MISSES} requests for what the cache has not")
    t.saw(f"{HITS} hits and {MISSES} misses are counted as such")
    together(t, frontend)


def ask(t, frontend, result, times, what):
    before = frontend.page()
    for _ in range(times):
        prepare(t, result)
        frontend.get(PATH)
    judge(frontend.page() - before, result, times, what)


def prepare(t, result):
    t.place.redis(*(("SET", KEY, 3) if result == "hit" else ("DEL", KEY)))


def judge(grown, result, times, what):
    for other in RESULTS:
        expect.grew(grown, NAME, times if other == result else 0, what,
                    "l->cache_result says which of the three it was; is it taken where the look-up ends?", result=other)


def together(t, frontend):
    """They come in one packet, so that the first has asked the cache and has no answer yet when the others arrive."""
    prepare(t, "miss")
    before = frontend.page()
    one = f"GET {PATH} HTTP/1.1\r\nHost: check\r\n"
    with socket.create_connection((ports.HOST, frontend.port), 5) as peer:
        peer.sendall((TOGETHER - 1) * (one + "\r\n").encode() + (one + "Connection: close\r\n\r\n").encode())
        while peer.recv(65536):
            pass
    told = (frontend.page() - before).of(NAME)
    if told == 1:
        raise Wrong(f"{TOGETHER} requests at the same time for one fruit are counted once", expected=f"{TOGETHER}",
                    likely="one look-up answers all who wait for it: add answered.count, not 1")
    if told != TOGETHER:
        raise Wrong(f"{NAME} grew by {told:g} in all for {TOGETHER} requests at the same time", expected=f"{TOGETHER}",
                    likely="count in one place alone: where a look-up ends")
    t.saw(f"{TOGETHER} requests that wait for one look-up are counted {TOGETHER} times")


def without_redis(t):
    frontend = t.mine("frontend", env={"REDIS_URL": f"redis://{ports.HOST}:{ports.free_port()}/0"})
    before = frontend.page()
    answer = frontend.get(PATH)
    if answer.status != 200:
        raise Wrong(f"without Redis, GET {PATH} is answered {answer.status}", expected="200, from the database",
                    likely="counting must not change what is answered")
    grown = frontend.page() - before
    if grown.of(NAME, result="miss"):
        raise Wrong("Redis is down, and that is counted as a miss", expected="an error",
                    likely="a miss is an answer of the cache: it said that it has not got it")
    judge(grown, "error", 1, "one request while Redis is down")
    t.saw("without Redis it is an error, and no miss")


# The servers' side.

def fill_queues(t):
    """10 messages in task_queue, of which a backend takes three and works at the first for a minute; four elsewhere."""
    t.place.declare_queue()
    t.place.declare_queue("letters")
    for _ in range(PUBLISHED):
        t.place.publish("hello")
    for _ in range(OTHERS):
        t.place.publish("hello", queue="letters")
    return t.product("backend", "--generators", "0", "--workers", "1", "--prefetch", str(HELD), "--job-delay", "60000")


def prometheus(t, frontend):
    """The place's virtual host is called / in it, as the workshop's; there are no others."""
    mine = f"[{{source_labels: [vhost], regex: {t.place.name}, target_label: vhost, replacement: /}}]"
    only = f"[{{source_labels: [vhost], regex: '{t.place.name}|', action: keep}}, {mine[1:-1]}]"
    broker = t.stack.rabbitmq.metrics_url
    queues = broker + "/detailed?family=queue_coarse_metrics&family=queue_consumer_count"
    return t.prometheus({"frontend": frontend.url, "rabbitmq": broker,
                         "rabbitmq-queues": (queues, [f"metric_relabel_configs: {only}"])})


# The queries.

def the_ratio(t, api, frontend, query):
    series = f'{NAME}{{result="%s"}}'
    slow = Wrong("Prometheus does not scrape your frontend every second", likely="is the machine very busy? Check once more")
    t.until(lambda: (api.value(f"min(count_over_time({NAME}[1m]))") or 0) >= 2, 15, slow)
    for result, times in (("hit", RECENT_HITS), ("miss", RECENT_MISSES)):
        ask(t, frontend, result, times, f"{times} requests")
    page = frontend.page()
    t.until(lambda: all(api.value(series % result) == page.value(NAME, result=result) for result in RESULTS), 15, slow)
    found = answers.number(api, query, "do the names of series and label agree with your counter's?")
    recent, ever = (share(RECENT_HITS, RECENT_MISSES), share(page.value(NAME, result="hit"), page.value(NAME, result="miss")))
    if abs(found - recent) > 0.02:
        raise Wrong(f"{answers.where(query)} gives {found:.3g}", shown=answers.shown(query),
                    expected=f"{recent:g}: of the requests since Prometheus looks, {RECENT_HITS} were hits and {RECENT_MISSES} misses",
                    likely=mistake(found, recent, ever))
    t.saw(f"the hit ratio of the last minute is {found:.2g}, although it is {ever:.2g} since the start")


def share(hits, misses):
    return hits / (hits + misses)


def mistake(found, recent, ever):
    for value, likely in ((ever, "that is the ratio since the program's start: divide rates, not counters"),
                          (1, "series are divided by those with the same labels, so hits by hits: sum(…) both sides first"),
                          (100 * recent, "a ratio from 0 to 1: the unit `percentunit` shows it as percent"),
                          (1 - recent, "that is the share of misses"),
                          (RECENT_HITS / RECENT_MISSES, "that is hits by misses: divide by all requests")):
        if abs(found - value) < 0.03 * max(1, value):
            return likely
    return "hits a second, divided by all requests a second"


def the_depth(t, api, query):
    wait_for_queues(t, api)
    found = answers.number(api, query, "curl the page that the text names: what are the queue's series called?")
    waiting = PUBLISHED - HELD
    if found != waiting:
        guesses = {PUBLISHED: f"those {HELD} that a worker has in hand are counted, too; which do wait?",
                   HELD: "these are the ones that a worker has in hand; which do wait?",
                   waiting + OTHERS: "that adds up all queues: choose the one by its label queue"}
        raise Wrong(f"{answers.where(query)} gives {found:g}", shown=answers.shown(query),
                    expected=f"{waiting}: {PUBLISHED} messages in task_queue, {HELD} of them in a worker's hand, {OTHERS} elsewhere",
                    likely=guesses.get(found, "that is of the whole broker: rabbitmq_detailed_… tells of each queue"))
    t.saw(f"{waiting} messages wait in task_queue; {HELD} more are in a worker's hand")


def wait_for_queues(t, api):
    wanted = {"task_queue": (PUBLISHED - HELD, HELD), "letters": (OTHERS, 0)}

    def told():
        return all(tuple(api.value(f'rabbitmq_detailed_queue_messages_{kind}{{queue="{queue}"}}')
                         for kind in ("ready", "unacked")) == counts for queue, counts in wanted.items())

    t.until(told, 20, Wrong("Prometheus hears nothing of the check's queues from RabbitMQ",
                            likely="./workshop logs rabbitmq may say why"))
