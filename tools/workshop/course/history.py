"""Pages of metrics laid out in time: what a Prometheus would have stored, had it read each of them at its moment.

A check makes requests for a second, and asks afterwards what happened in the last five minutes: the pages are real, read
between the requests; only their distance is chosen. So every answer has one truth, however busy the machine is.

    history = History(t)
    for at in range(0, 300, history.STEP):
        ...                                             requests
        history.read("frontend", "a:5000", frontend, at)    the page as it is now, read at that second
        history.refused("traffic", "c:5002", at)            a target that did not answer
    history.load()                                      a Prometheus that has all this
    history.ask("sum(rate(hello_total[1m]))")           an Outcome, 7 s after the last page

Asked 7 s after a page, the last minute holds four of them whether a range's left end belongs to it (2.42) or not (3.x).
"""

import json
import math
import subprocess
import time
import urllib.parse
from dataclasses import dataclass

from ..service import http_get
from .exposition import Garbage, parse
from .report import Wrong

AGO_S = 7200     # where the history begins: long enough ago that all of it is past
LATER_S = 7


@dataclass
class Outcome:
    """What Prometheus answers to a query: `error` in its words, or `kind` (vector, matrix, scalar) and rows of
    (labels, value); of a matrix, the value is the last one."""
    kind: str = ""
    rows: tuple = ()
    error: str = ""


class History:
    STEP = 15

    def __init__(self, check, step=STEP, only=None):
        """`only`: of these names alone, which is quicker."""
        self.STEP, self._only = step, only
        self._check, self._begin = check, int(time.time() - AGO_S) // 60 * 60
        self._lines, self.names, self.last, self._api = [], set(), 0, None

    def read(self, job, instance, running, at):
        """Reads the program's page, or the page at an address, as if it were that second. Returns it."""
        page = running.page() if hasattr(running, "page") else page_at(job, running)
        self.put(job, instance, page, at)
        return page

    def put(self, job, instance, page, at):
        for family in page.families.values():
            for sample in family.samples if self._only is None or family.name in self._only else ():
                self._add(sample.name, sample.labels | {"job": job, "instance": instance}, sample.value, at)
        self._add("up", {"job": job, "instance": instance}, 1, at)

    def refused(self, job, instance, at):
        """The target did not answer: that is what `up` says."""
        self._add("up", {"job": job, "instance": instance}, 0, at)

    def _add(self, name, labels, value, at):
        text = "{" + ",".join(f"{key}={json.dumps(text, ensure_ascii=False)}" for key, text in labels.items()) + "}"
        self._lines.append((at, f"{name}{text} {number(value)} {self._begin + at}"))
        self.names.add(name)
        self.last = max(self.last, at)

    def load(self):
        file, data = self._check.scratch / "history.om", self._check.scratch / "history"
        file.write_text("\n".join(line for _, line in sorted(self._lines, key=lambda entry: entry[0])) + "\n# EOF\n")
        done = subprocess.run(["promtool", "tsdb", "create-blocks-from", "openmetrics", "-q", file, data],
                              capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"promtool does not take the history: {done.stderr[-300:]}")
        self._api = self._check.prometheus({}, data=data)
        return self

    def ask(self, query, before=0):
        """`before`: so many seconds earlier."""
        moment = self._begin + self.last + LATER_S - before
        asked = urllib.parse.urlencode({"query": query, "time": moment})
        status, body = http_get(f"{self._api.url}/api/v1/query?{asked}", 5)
        if not body.startswith("{"):
            raise RuntimeError(f"the check's Prometheus does not answer: {body[:200]}")
        answer = json.loads(body)
        return _outcome(answer["data"]) if status == 200 else Outcome(error=answer["error"])


def page_at(job, url):
    """The page at an address that is no program of the check's."""
    status, body = http_get(url, 5)
    try:
        return parse(body)
    except Garbage as garbage:
        raise Wrong(f"{job} at {url} answers {status}: {garbage if status == 200 else body[:100]}",
                    expected="its page of metrics", likely="./workshop status shows what runs; ./workshop up starts it") from None


def number(value):
    if math.isnan(value):
        return "NaN"
    return ("+Inf" if value > 0 else "-Inf") if math.isinf(value) else repr(float(value))


def _outcome(data):
    kind, result = data["resultType"], data["result"]
    if kind in ("scalar", "string"):
        return Outcome(kind, (({}, _value(result[1])),))
    return Outcome(kind, tuple((_labels(row["metric"]), _value((row.get("value") or row["values"][-1])[1])) for row in result))


def _labels(metric):
    return {key: value for key, value in metric.items() if key != "__name__"}


def _value(text):
    try:
        return float(text)
    except ValueError:
        return math.nan
