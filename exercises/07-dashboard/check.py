"""A dashboard with the four panels of RED: its file is whole, and its queries answer what their titles say. They are asked
of two frontends with known requests; one has no broker, so a share of its answers is 503."""

import json
import re

from workshop.complaints import complaints
from workshop.course import Wrong
from workshop.course.counting import grown, per_second, quantile
from workshop.course.history import History
from workshop.course.judging import Question, asked
from workshop.service import http_get

FILE = "answers/07/mine.json"
WHOLE, LAME = "127.0.0.1:5000", "127.0.0.1:5010"
STEPS, SPAN = 6, 3
RATE_INTERVAL = f"{4 * History.STEP}s"
USERS = ("/hello", "/fruit")
UNITS = {
    "reqps": "reqps, requests a second; Grafana then writes `req/s` behind the number",
    "percentunit": "percentunit: a share from 0 to 1, shown as per cent",
    "s": "s: the histogram is in seconds, and Grafana makes ms of them where they are few",
}
WORDS = {"__rate_interval": RATE_INTERVAL, "__interval": f"{History.STEP}s", "__range": "5m"}


def check(t):
    page = json_of(t.answer(FILE))
    whole(t, page)
    panels = {(panel.get("title") or "").strip().lower(): panel for panel in page["panels"]}
    for title, (kinds, unit, _) in PANELS.items():
        shape(title, find(panels, title), kinds, unit)
    t.saw(f"the file is whole, with {len(page['panels'])} panels")
    history, pages = made(t)
    history.load()
    for title, (_, _, question) in PANELS.items():
        values(history, title, find(panels, title), question(pages))
        t.saw(f"'{title}' shows what was done")


# The file.

def json_of(text):
    try:
        page = json.loads(text)
    except ValueError as error:
        raise Wrong(f"mine.json is no JSON: {error}", shown=line_of(text, error), expected="a dashboard as Grafana exports it",
                    likely="a comma too many before a bracket, or one that is missing between two panels") from None
    if not isinstance(page, dict) or not isinstance(page.get("panels"), list) or \
            not all(isinstance(panel, dict) for panel in page["panels"]):
        raise Wrong("mine.json has no list of panels", expected='{"uid": "mine", "title": …, "panels": […]}',
                    likely="an export of Grafana has them at the top; is it the file of one panel?")
    return page


def line_of(text, error):
    lines = text.splitlines()
    return "\n".join(f"{number}: {lines[number - 1].strip()[:100]}" for number in (error.lineno - 1, error.lineno)
                     if 0 < number <= len(lines))


def find(panels, title):
    found = panels.get(title.lower())
    if found:
        return found
    raise Wrong(f"there is no panel '{title}'", expected="the four panels of the exercise, with these titles",
                likely="the panels are called " + ", ".join(f"'{panel.get('title')}'" for panel in panels.values()))


def shape(title, panel, kinds, unit):
    kind, said = panel.get("type"), (panel.get("fieldConfig") or {}).get("defaults", {}).get("unit")
    if kind not in kinds:
        raise Wrong(f"'{title}' is a panel of type {kind}", expected=" or ".join(kinds),
                    likely="how it went is a timeseries; one number that must be near 0 is a stat")
    if said != unit:
        raise Wrong(f"the unit of '{title}' is {said or 'not set'}", expected=UNITS[unit],
                    likely="fieldConfig.defaults.unit; a number without its unit will be misread")


def ours(found):
    return found[1] + '{"type": "prometheus", "uid": "prometheus"}' if '"prometheus"' in found[0] else found[0]


def whole(t, page):
    """What ./workshop dashboards says of it. A data source that was connected by hand has a uid of its own, as good as
    ours."""
    copy = t.scratch / "mine.json"
    copy.write_text(re.sub(r'("datasource": )\{[^{}]*\}', ours, json.dumps(page)))
    for fault in complaints(t.root, [copy]):
        raise Wrong(fault, expected="a page that whoever is woken at night understands",
                    likely="./workshop dashboards mine/answers/07/mine.json says all that is wrong with the file")


# Its queries.

def values(history, title, panel, question):
    targets = panel["targets"]
    if len(targets) != 1:
        raise Wrong(f"'{title}' has {len(targets)} queries", expected="one that gives all its lines",
                    likely="sum by (endpoint) gives a line for each endpoint; one query is enough")
    text = re.sub(r"\$(?:\{(\w+)\}|(__\w+))", lambda found: WORDS.get(found[1] or found[2], found[0]), targets[0]["expr"])
    rows = asked(history, f"the query of '{title}'", text, question)
    legends(title, targets[0]["legendFormat"], rows)


def legends(title, legend, rows):
    names = [re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda found: labels.get(found[1], ""), legend).strip() for labels, _ in rows]
    if not all(names):
        raise Wrong(f"a line of '{title}' has no name", shown=f"its legend: {legend}", expected="{{endpoint}}",
                    likely="the query drops that label; only those behind `by` are left")
    if len(set(names)) < len(names):
        raise Wrong(f"{len(names)} lines of '{title}' have the same name, {names[0]}", expected="{{endpoint}}",
                    likely="{{label}} in the legend puts the label's value there")


# What was done.

def made(t):
    t.place.declare_queue()
    frontend = t.product("frontend")
    lame = t.product("frontend", env={"AMQP_URL": "amqp://guest:guest@127.0.0.1:1/"},
                     ready=lambda running: http_get(running.url + "/health")[0] == 200)
    history, pages = History(t), []
    for i in range(STEPS):
        for path in ("/hello", "/hello", "/fruit?name=pears", "/fruit?name=apples", "/fruit?name=grapes", "/fruit?name=stones"):
            frontend.get(path)
        lame.get("/hello")
        pages.append({WHOLE: frontend.page(), LAME: lame.page()})
        for instance, page in pages[-1].items():
            history.put("frontend", instance, page, i * history.STEP)
    return history, pages[-SPAN - 1:]


SECONDS = SPAN * History.STEP


def greetings(pages):
    return Question({(): per_second(pages, SECONDS, "hello_total")}, "greetings a second, of all frontends together")


def requests(pages):
    name = "http_requests_total"
    truth = {(("endpoint", endpoint),): per_second(pages, SECONDS, name, endpoint=endpoint) for endpoint in USERS}
    return Question(truth, "requests a second, a line for each endpoint", (
        (f"sum by (endpoint) ({name})", "a counter drawn as it is climbs for ever, and tells nothing: take its rate"),
        (f"sum by (endpoint) (increase({name}[{RATE_INTERVAL}]))", "increase is how many in the whole range; the unit says "
         "a second, and so does rate")), skip=("endpoint", USERS))


def failing(pages):
    name = "http_requests_total"
    bad, all_ = grown(pages, name, code="503"), grown(pages, name)
    asked_for = sum(grown(pages, name, endpoint=endpoint) for endpoint in USERS)  # without Prometheus's own requests
    rate = f'sum(rate({name}{{code=~"5.."}}[{RATE_INTERVAL}]))'
    ratio = f"sum(rate({name}[{RATE_INTERVAL}]))"
    return Question({(): bad / all_}, "the share of answers 5xx among all", also=({(): bad / asked_for},), mistakes=(
        (f'sum(rate({name}{{code!="200"}}[{RATE_INTERVAL}])) / {ratio}', "that counts 404 and 400 as well, which are the "
         "asker's mistakes; a failure of ours is a 5xx"),
        (f'sum(rate({name}{{code=~"4..|5.."}}[{RATE_INTERVAL}])) / {ratio}', "that counts 404 and 400 as well, which are the "
         "asker's mistakes; a failure of ours is a 5xx"),
        (f"100 * {rate} / {ratio}", "percentunit wants a share from 0 to 1, and makes per cent of it by itself"),
        (rate, "that is failures a second; divided by all requests a second it is a share")))


def within(pages):
    truth = {(("endpoint", endpoint),): quantile(pages, 0.95, "http_latency", endpoint=endpoint) for endpoint in USERS}
    over = f"rate(http_latency_bucket[{RATE_INTERVAL}])"
    return Question(truth, "seconds, a line for each endpoint", (
        (f"1000 * histogram_quantile(0.95, sum by (le, endpoint) ({over}))", "in milliseconds, although the unit is s"),
        ("histogram_quantile(0.95, sum by (le, endpoint) (http_latency_bucket))", "that is since the programs started: nothing "
         "that happens now can move it any more. Take the rate first"),
        (f"histogram_quantile(0.5, sum by (le, endpoint) ({over}))", "0.5 is the half; 95 % is 0.95")), skip=("endpoint", USERS))


PANELS = {
    "Greetings a second": (("timeseries",), "reqps", greetings),
    "Requests a second": (("timeseries",), "reqps", requests),
    "Requests that fail": (("stat", "timeseries", "gauge"), "percentunit", failing),
    "95 % of answers come within": (("timeseries",), "s", within),
}
