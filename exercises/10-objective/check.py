"""An objective as rules: the recorded error ratios are compared with real answers of two frontends, one without a broker;
the alert must end nine stories rightly, and fire when that frontend is asked in earnest."""

import re
import time

from workshop.course import Wrong
from workshop.course.alerting import Story, addressed, loaded, one, tell
from workshop.course.counting import grown
from workshop.course.history import History
from workshop.course.judging import Question, asked
from workshop.service import http_get

ALERT, REQUESTS = "BudgetBurns", "http_requests_total"
SHORT, LONG = "30s", "5m"
USERS = 'job="frontend",endpoint=~"/hello|/fruit"'
WHOLE, LAME = "127.0.0.1:5000", "127.0.0.1:5010"
STEP, LAST = 5, 330
BURSTS = {60: (9, 1), 150: (9, 1), 315: (2, 3)}  # at that second: greetings that are answered, greetings that fail


def record(window):
    return f"frontend:error_ratio:rate{window}"


def check(t):
    groups = loaded(t, "answers/10/rules.yml")
    ratios = {window: one(groups, "record", record(window), "rules.yml") for window in (LONG, SHORT)}
    rule = one(groups, "alert", ALERT, "rules.yml")
    frontends = started(t)
    # First, for a Prometheus takes seconds until it scrapes.
    api = t.prometheus({"frontend": [each.url for each in frontends]}, rules=[t.scratch / "rules.yml"])
    history, pages = made(t, *frontends)
    history.load()
    for window, ratio in ratios.items():
        asked(history, record(window), expanded(ratio["expr"], groups), share(pages, window))
        t.saw(f"{record(window)} is the share of requests that failed")
    tell(t, groups, STORIES, every="5s")
    addressed(rule, "at this pace the budget is gone within the hour, so somebody has to act now")
    t.saw(f"{ALERT} fires and is silent as it should in {len(STORIES)} stories")
    live(t, api, *frontends)


def expanded(query, groups):
    """With what other rules record written out."""
    for rule in (rule for group in groups for rule in group["rules"] if "record" in rule):
        query = re.sub(rf"(?<![\w:]){re.escape(rule['record'])}(?![\w:{{])", lambda _: f"({rule['expr']})", query)
    return query


# The ratios.

def started(t):
    t.place.declare_queue()
    lame = t.product("frontend", env={"AMQP_URL": "amqp://guest:guest@127.0.0.1:1/"},
                     ready=lambda running: http_get(running.url + "/health")[0] == 200)
    return t.product("frontend"), lame


def made(t, whole, lame):
    """(history, {second: pages})"""
    history, pages = History(t, STEP, {REQUESTS}), {}
    requests(whole, lame, 3, 3)
    for at in range(0, LAST + 1, STEP):
        if at in BURSTS:
            requests(whole, lame, *BURSTS[at])
        if at in BURSTS or not pages:
            now = {WHOLE: whole.page(), LAME: lame.page()}
        pages[at] = now
        for instance, page in now.items():
            history.put("frontend", instance, page, at)
    return history, pages


def requests(whole, lame, good, bad):
    for frontend, count in ((whole, good), (lame, bad)):
        for _ in range(count):
            frontend.get("/hello")
    for path in ("/fruit?name=stones", "/fruit?name=rocks", "/nowhere", "/nothing", "/fruit?name=pears"):
        whole.get(path)


def share(pages, window):
    seconds = {LONG: 300, SHORT: 30}[window]
    inside = [page for at, page in pages.items() if at > LAST + 7 - seconds]
    bad, all_ = (sum(grown(inside, REQUESTS, endpoint=endpoint, **code) for endpoint in ("/hello", "/fruit"))
                 for code in ({"code": "503"}, {}))
    return Question({(): bad / all_}, f"the share of requests that failed in the last {window}", mistakes(window))


def mistakes(window):
    def rate(matchers, over=window):
        return f"sum(rate({REQUESTS}{{{matchers}}}[{over}]))"

    def plus(matcher, text):
        return f'{USERS},{matcher}"{text}"'

    bad, all_, other = plus("code=~", "5.."), rate(USERS), SHORT if window == LONG else LONG
    refusals = "that counts 400 and 404 as failures; whoever asks for stones is told so, and that is a good answer"
    return (
        (f"{rate(plus('code!=', '200'))} / {all_}", refusals),
        (f"{rate(plus('code=~', '4..|5..'))} / {all_}", refusals),
        (f"{rate(bad)} / {rate(USERS.split(',')[0])}", "divided by all requests, Prometheus's own "
         "at /metrics and strangers' at other pages included: those water it down. The promise is about /hello and /fruit"),
        (f"1 - {rate(bad)} / {all_}", "that is the share that went well; the name says error ratio"),
        (f"{rate(bad)} / {rate(plus('code!~', '5..'))}", "divided by the good ones; a share is of all"),
        (f"100 * {rate(bad)} / {all_}", "in percent; a ratio is between 0 and 1"),
        (rate(bad), "that is failures a second, more when more is asked; divide by all requests"),
        (f"{rate(bad, other)} / {rate(USERS, other)}", f"that is the ratio of {other}; the name says {window}"),
        (f"sum({REQUESTS}{{{bad}}}) / sum({REQUESTS}{{{USERS}}})", "that is since the programs started; take the rate of both"),
        (f"rate({REQUESTS}{{{bad}}}[{window}]) / rate({REQUESTS}{{{USERS}}}[{window}])", "without sum each series is divided by "
         "the one with the same labels, that is by itself; sum both sides first"))


# The alert.

def series(good, bad, code="503"):
    """100 requests a second each five seconds; `good` and `bad` in promtool's notation."""
    name = f'{REQUESTS}{{job="frontend",instance="f",method="GET",endpoint="/hello",code='
    return {f'{name}"200"}}': good, f'{name}"{code}"}}': bad}


# 300 s of health, then 20 % of errors for 280 s, then health again.
OUTAGE = series("0+100x60 6080+80x55 10580+100x60", "0+0x60 20+20x55 1120+0x60")
STORIES = (
    Story("nothing fails for ten minutes", "the condition is true without an error; is it the right way round?",
          series("0+100x72", "0+0x72"), ALERT, silent=(302, 352)),
    Story("a fifth of all requests fails for nearly five minutes", "is the threshold 4.8 times the 1 % that may fail, 0.048, and "
          "are both ratios shares from 0 to 1?", OUTAGE, ALERT, firing=(572,)),
    Story("6 % of all requests fail, all the time", "that is six times as fast as allowed, and 4.8 was to be the limit: "
          "4.8 * (1 - 0.99)", series("0+94x72", "0+6x72"), ALERT, firing=(352,)),
    Story("3 % of all requests fail, all the time", "the budget lasts 80 minutes at that pace, which is worth a ticket and wakes "
          "nobody: the page is for 4.8 times as fast as allowed, and more", series("0+97x72", "0+3x72"), ALERT,
          silent=(302, 352)),
    Story("a fifth of all requests fails, for 20 s so far", "that may be over in a moment, and has cost next to nothing: the "
          "ratio over five minutes must be too high as well", OUTAGE, ALERT, silent=(322,)),
    Story("a fifth of all requests fails, for 100 s so far", "the ratio over five minutes is beyond 4.8 % after 72 s, and then "
          "every minute counts; a long `for` costs time that the windows have taken already", OUTAGE, ALERT, firing=(402,)),
    Story("a fifth failed for nearly five minutes, and all has been well for one", "nobody can do anything about it any more: "
          "the ratio over 30 s must be too high as well", OUTAGE, ALERT, silent=(647, 690)),
    Story("half of all requests are refused with 404", "those are answers as they should be",
          series("0+50x72", "0+50x72", "404"), ALERT, silent=(302, 352)),
    Story("nobody asks for anything", "0 / 0 is no number, and no number is greater than anything; what makes yours fire?",
          series("100x72", "7x72"), ALERT, silent=(302, 352)),
)


def live(t, api, whole, lame):
    t.until(lambda: len(api.query('up{job="frontend"} == 1')) == 2, 15, Wrong("the check's Prometheus reaches no frontend"))
    begin = time.monotonic()
    t.until(lambda: burning(api, whole, lame), 20, Wrong(
        f"{ALERT} is silent although every second request fails", expected="that it fires within seconds",
        likely="a label in the rules that the real series do not have; `job` is frontend"))
    t.saw(f"every second greeting failed in earnest: firing {time.monotonic() - begin:.1f} s later")


def burning(api, whole, lame):
    for frontend in (whole, lame):
        frontend.get("/hello")
    return api.query(f'ALERTS{{alertname="{ALERT}",alertstate="firing"}}')
