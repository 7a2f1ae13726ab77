"""Four dashboards that the workshop ships, imported as they are, and one from elsewhere that has to be mended. Every query
is asked of pages that the running servers gave; the queue of the check's own vhost holds messages that it knows of."""

import json
import re
from pathlib import Path

from workshop.complaints import complaints
from workshop.course import Wrong
from workshop.course.history import History, page_at
from workshop.course.judging import Question, asked
from workshop.promql import selectors

SHIPPED = ("rabbitmq", "postgres", "redis", "host")
MESSAGES, STEPS, HERE = 3, 5, "127.0.0.1"
SHOWN_S = 12  # RabbitMQ tells of a queue every five seconds
READY = "rabbitmq_detailed_queue_messages_ready"
MEMORY = "rabbitmq_process_resident_memory_bytes"
WORDS = {"__rate_interval": "1m", "__interval": "15s", "__range": "5m"}


def check(t):
    pages = {name: page_of(t, name) for name in SHIPPED}
    for name in SHIPPED:
        whole(t, name, pages[name])
    queue = page_of(t, "queue")
    whole(t, "queue", queue, "is no dashboard")
    connected(queue)
    history, memory = made(t)
    for name in SHIPPED:
        filled(t, history, name, pages[name])
        t.saw(f"{name}.json: {len(queries(pages[name]))} panels ask the running servers, and get answers")
    mended(history, queue, memory)
    whole(t, "queue", queue)
    t.saw(f"queue.json shows the {MESSAGES} messages that wait in the check's queue")


# The files.

def page_of(t, name):
    text = t.answer(f"answers/08/{name}.json")
    try:
        page = json.loads(text)
    except ValueError as error:
        raise Wrong(f"{name}.json is no JSON: {error}", expected="the file as it was shipped",
                    likely="was it cut off while it was copied? Copy the file, not what a window shows of it") from None
    if not isinstance(page, dict) or not isinstance(page.get("panels"), list):
        raise Wrong(f"{name}.json is no dashboard", expected='an object with "panels"', likely="is it the right file?")
    return page


def whole(t, name, page, kind=""):
    """What ./workshop dashboards says of it; with `kind`, only complaints of that kind."""
    copy = t.scratch / f"{name}.json"
    copy.write_text(json.dumps(page))
    for fault in (fault for fault in complaints(t.root, [copy]) if kind in fault):
        raise Wrong(fault, expected=f"{name}.json with the uid {name}, whole",
                    likely=f"./workshop dashboards mine/answers/08/{name}.json says all that is wrong with it")


def connected(page):
    """That the data source is one that there is, or one of that type connected by hand."""
    for panel in page["panels"]:
        for holder in (panel, *panel.get("targets", ())):
            uid = str((holder.get("datasource") or {}).get("uid", ""))
            if "$" in uid:
                raise Wrong(f"panel '{panel.get('title')}' of queue.json has the data source {uid}", expected="prometheus",
                            likely="the place holder of an export for others: whoever imports it must say which data source "
                            "is meant, in every panel and every target. Grafana asks; a file has to be edited")


def queries(page):
    """[(title, [query])]"""
    return [(panel.get("title"), [put(target.get("expr", "")) for target in panel["targets"]])
            for panel in page["panels"] if panel.get("targets")]


def put(text):
    return re.sub(r"\$(?:\{(\w+)\}|(__\w+))", lambda found: WORDS.get(found[1] or found[2], found[0]), text)


# What they show.

def filled(t, history, name, page):
    """Every panel that the shipped page has is there, and shows something where that one does."""
    own = dict(queries(page))
    for title, asks in queries(json.loads(Path(t.root, f"grafana/dashboards/{name}.json").read_text())):
        if title not in own:
            raise Wrong(f"{name}.json has no panel '{title}'", expected="all panels of the shipped page",
                        likely=f"copy grafana/dashboards/{name}.json anew")
        if any(history.ask(query).rows for query in asks) and not any(history.ask(query).rows for query in own[title]):
            raise Wrong(f"the panel '{title}' of {name}.json is empty", shown="\n".join(own[title]), expected="its lines",
                        likely="its query was changed; the shipped one shows something here")


def mended(history, page, memory):
    totals = "that is all queues together, for RabbitMQ's own page does not tell them apart; the job rabbitmq-queues does"
    truths = {"Messages that wait": Question({(("queue", "task_queue"),): MESSAGES}, "messages that wait, by queue", (
                  ('sum by (queue) (rabbitmq_queue_messages_ready{job="rabbitmq"})', totals),)),
              "Consumers": Question({(("queue", "task_queue"),): 0}, "consumers, by queue"),
              "Memory of the broker": Question({None: memory}, "bytes")}
    own = dict(queries(page))
    for title, question in truths.items():
        if title not in own:
            raise Wrong(f"queue.json has no panel '{title}'", expected="the three panels that it came with",
                        likely="mend what is empty; nothing has to be thrown away")
        known(history, title, own[title][0])
        if None in question.truth:
            rows = history.ask(own[title][0]).rows
            if not rows or rows[0][1] != memory:
                raise Wrong(f"'{title}' does not show {MEMORY}", shown=own[title][0], expected=f"{memory:g} bytes",
                            likely="that one needed no other name, only another job")
        else:
            asked(history, f"'{title}' of queue.json", own[title][0], question)


def known(history, title, query):
    """A job that there is not is the commonest fault of an import, and a name of another version the next."""
    there = sorted({row[0]["job"] for row in history.ask("up").rows})
    for job in re.findall(r'\bjob\s*=\s*"([^"]*)"', query):
        if job not in there:
            raise Wrong(f"'{title}' of queue.json asks for job=\"{job}\", and no job is called so", shown=query,
                        expected=f"one of {', '.join(there)}",
                        likely="`job` is how whoever made the page had named it; look at your targets for your names")
    for selector in selectors(query):
        if not history.ask(selector).rows:
            raise Wrong(f"'{title}' of queue.json asks for {selector}, and there is no such series",
                        expected="a name and a job that belong together",
                        likely="other versions name it otherwise, and here each queue's series are in a job of their own: type "
                        "rabbitmq_ and queue in Prometheus's page, and look at the names that it offers and at their job")


# The servers as they are.

def made(t):
    stack = t.servers("node", "postgres-exporter", "redis-exporter")
    broker = f"http://{HERE}:{stack.rabbitmq.all_ports()['rabbitmq-metrics']}/metrics"
    t.place.declare_queue()
    for _ in range(MESSAGES):
        t.place.publish({"type": "hello"})
    found = {"node": page_at("node", stack.node.url + "/metrics"),
             "postgres": page_at("postgres", stack.postgres_exporter.url + "/metrics"),
             "redis": page_at("redis", stack.redis_exporter.url + "/metrics"),
             "rabbitmq": page_at("rabbitmq", broker), "frontend": t.product("frontend").page()}
    found["rabbitmq-queues"] = t.until(lambda: queue_page(t, broker), SHOWN_S, Wrong(
        f"RabbitMQ does not tell of the check's messages within {SHOWN_S} s", expected="it does every five seconds",
        likely="is the machine busy with something else? Try again"))
    history = History(t)
    for at in range(0, STEPS * history.STEP, history.STEP):
        for job, page in found.items():
            history.put(job, f"{HERE}:1", page, at)
    return history.load(), found["rabbitmq"].value(MEMORY)


def queue_page(t, broker):
    """The page of queues, with that of the check's vhost alone; None until it tells of all messages."""
    page = page_at("rabbitmq-queues", broker + "/detailed?family=queue_coarse_metrics&family=queue_consumer_count")
    for family in page.families.values():
        family.samples[:] = [sample for sample in family.samples if sample.labels.get("vhost", t.place.name) == t.place.name]
    return page if page.value(READY) == MESSAGES else None
