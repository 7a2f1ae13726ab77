"""An alert and its unit test: stories that it must end rightly, the student's test against rules that were broken on
purpose, and a backend that is killed in earnest."""

import os
import signal
import time

from workshop.course import Wrong
from workshop.course.alerting import Story, addressed, changed, loaded, one, tell, try_tests, write
from workshop.service import http_get

ALERT = "BackendDown"
BACKEND, OTHER = 'up{job="backend",instance="b:5001"}', 'up{job="frontend",instance="f:5000"}'
QUICK = 5  # the check's Prometheus scrapes five times as often as the workshop's, and so the alert waits a fifth as long
NEVER = 'up{job="backend"} == 2'

STORIES = (
    Story("the backend answers all the time", "is the condition the right way round? `== 0` keeps the series whose value is 0, "
          "and the alert fires for each that is left", {BACKEND: "1x24", OTHER: "1x24"}, ALERT, silent=(5, 60, 115)),
    Story("the backend stops answering after 55 s, and stays away", "`up` does not vanish where a target does not answer: it "
          "is 0", {BACKEND: "1x10 0x14", OTHER: "1x24"}, ALERT, silent=(50,), firing=(75, 100)),
    Story("the backend stops answering after 55 s", "a target is scraped every five seconds, and one page may get lost; "
          "`for: 10s` lets the condition be true for so long before anybody is woken", {BACKEND: "1x10 0x14", OTHER: "1x24"},
          ALERT, silent=(56, 62)),
    Story("the backend comes back after 100 s", "an alert that does not end is believed no more: look at `up` now, not at "
          "what it was over a long time", {BACKEND: "1x10 0x8 1x10", OTHER: "1x30"}, ALERT, firing=(90,), silent=(108, 130)),
    Story("a single page of the backend gets lost, after 55 s", "that is no outage: `for: 10s` waits until it lasts",
          {BACKEND: "1x10 0 1x13", OTHER: "1x24"}, ALERT, silent=(56, 58, 65, 90)),
    Story("the frontend does not answer, and the backend does", "every job has a series `up`: choose with job=\"backend\"",
          {BACKEND: "1x24", OTHER: "1x4 0x20"}, ALERT, silent=(60, 100)),
    Story("Prometheus has no target backend at all", "there is no series then, and a comparison with nothing is nothing: "
          'add `or absent(up{job="backend"})`, which is 1 where there is none', {OTHER: "1x24"}, ALERT, firing=(30, 60)),
)


def check(t):
    groups = loaded(t, "answers/09/rules.yml")
    rule = one(groups, "alert", ALERT, "rules.yml")
    backend, api = begun(t, groups, rule)  # first, for a Prometheus takes seconds until it scrapes
    tell(t, groups, STORIES)
    waits(rule)
    t.saw(f"{ALERT} fires and is silent as it should in {len(STORIES)} stories")
    tested(t, groups)
    t.saw("your test fails where the alert never fires, always fires, or does not wait")
    live(t, backend, api)


def waits(rule):
    if rule["for"] != "10s":
        raise Wrong(f"{ALERT} waits {rule['for']}", expected="for: 10s", likely="two scrapes that fail are enough here")
    addressed(rule, "Alertmanager decides by that label whether somebody is woken or gets a ticket")


def tested(t, groups):
    try_tests(t, "answers/09/test.yml", groups, (
        (changed(groups, "alert", ALERT, expr=NEVER), f"{ALERT} never fires any more",
         "there must be a moment with an alert in exp_alerts"),
        (changed(groups, "alert", ALERT, **{"for": "0s"}), "`for` was taken out",
         "ask at a moment between the first failure and ten seconds later: exp_alerts is [] there"),
        (changed(groups, "alert", ALERT, expr='up{job="backend"} >= 0 or absent(up{job="backend"})'),
         f"{ALERT} fires although the backend answers", "ask at a moment when all is well, too: exp_alerts is [] there"),
        (changed(groups, "alert", ALERT, expr='up{job="backend"} == 0'), "nothing is said of a target that there is not",
         "a second test, without a series of the backend's: give it another one, such as up{job=\"frontend\"}")))


# In earnest.

def begun(t, groups, rule):
    backend = t.product("backend", "--generators", "0")
    quick = changed(groups, "alert", ALERT, **{"for": f"{float(rule['for'][:-1]) / QUICK:g}s"})
    return backend, t.prometheus({"backend": backend.url}, rules=[write(t.scratch / "quick.yml", quick)])


def live(t, backend, api):
    t.until(lambda: api.query('up{job="backend"} == 1'), 15, Wrong("the check's Prometheus does not reach the backend"))
    t.until(lambda: not firing(api), 5, Wrong(f"{ALERT} fires although the backend runs", expected="silence",
                                              likely="compare with what your test says"))
    fires = took(t, lambda: os.kill(backend.pid, signal.SIGKILL), lambda: firing(api), "silent although the backend was killed")
    resolved = took(t, lambda: again(t, backend), lambda: not firing(api), "still firing although the backend is back")
    t.saw(f"a backend was killed: firing {fires:.1f} s later, with everything {QUICK} times as fast as in the workshop")
    t.saw(f"it was started again: resolved {resolved:.1f} s later")


def again(t, backend):
    """On the same port, for the target is the address."""
    t.product("backend", "--generators", "0", env={"LISTEN": backend.url.removeprefix("http://")},
              ready=lambda _: http_get(backend.url + "/ready")[0] == 200)


def took(t, what, then, otherwise):
    """Does it; the seconds until the alert is as it should be then."""
    begin = time.monotonic()
    what()
    t.until(then, 15, Wrong(f"{ALERT} is {otherwise}", expected="that it fires, and ends",
                            likely="compare with what your test says"))
    return time.monotonic() - begin


def firing(api):
    return api.query(f'ALERTS{{alertname="{ALERT}",alertstate="firing"}}')
