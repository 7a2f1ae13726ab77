"""Every PromQL of the tree gives something while the workshop runs under its load: in README, docs, dashboards, rules and
runbooks. A wrong name, a missing label or a slip of the pen is found here, and not by a student in front of an empty graph.
"""

import json
import re
import urllib.parse

import pytest

import queries
from conftest import ROOT
from queries import Query, concrete
from workshop.promql import metrics, selectors
from workshop.service import http_get

# Queries, or selectors that are part of one, which rightly give nothing in health, and why. A ```promql empty block says it
# in its own page; of alerts it is known.
RIGHTLY_EMPTY = {
    "pipeline:unaccounted:messages": "compares with two minutes ago, when the workshop of a test did not run yet",
}
# Series that only others have.
ELSEWHERE = {
    "stats_up": "of the exporter that exercise 12 has written; its check",
    "stats_requests_total": "of the exporter that exercise 12 has written; its check",
    "stats_request_seconds_total": "of the exporter that exercise 12 has written; its check",
    "frontend:error_ratio:rate30s": "of the rule that exercise 10 has written; its check",
}
ANY = re.compile(r"x(_total|_bucket|_sum|_count)?")  # in a document, x stands for any metric: only the form is looked at


class Refused(Exception):
    pass


def ask(api, text):
    """How many series the query gives; Refused, in Prometheus's words, where it is no PromQL."""
    status, body = http_get(f"{api.url}/api/v1/query?{urllib.parse.urlencode({'query': concrete(text)})}", 10)
    answer = json.loads(body)
    if status != 200:
        raise Refused(answer["error"])
    result = answer["data"]["result"]
    return len(result) if answer["data"]["resultType"] in ("vector", "matrix") else 1


def fault(api, query):
    """What is wrong with the query, or None."""
    try:
        found = ask(api, query.text)
    except Refused as error:
        return f"{query.where}: no PromQL: {query.text}: {error}" if query.sure else None
    names = metrics(query.text)
    if found or query.text in RIGHTLY_EMPTY or names & ELSEWHERE.keys() or (names and all(ANY.fullmatch(name) for name in names)):
        return None
    if _family(api, query.text):
        return None
    lacking = [part for part in selectors(query.text) if not _there(api, part, query.made)]
    if lacking:
        return f"{query.where}: nobody has {' nor '.join(lacking)}: {query.text}"
    return None if query.empty or names & query.made else f"{query.where}: gives nothing: {query.text}"


def _family(api, name):
    """A bare name may be a histogram's, which has no series of its own."""
    return re.fullmatch(r"[\w:]+", name) and ask(api, f"{name}_count")


def _there(api, selector, made):
    return selector.partition("{")[0] in made or selector in RIGHTLY_EMPTY or ask(api, selector)


def faults(api, asked):
    return [said for said in (fault(api, query) for query in dict.fromkeys(asked)) if said]


@pytest.mark.parametrize("file", queries.documents(), ids=lambda file: str(file.relative_to(ROOT)))
def test_the_queries_of_a_document(ready, file):
    name = str(file.relative_to(ROOT))
    assert faults(ready, queries.of_markdown(file.read_text(), name)) == []
    assert hidden(ready, file.read_text(), name) == []


def hidden(api, text, name=""):
    """Queries in blocks that are not marked, so that nobody would run them."""
    return [f"{query.where}: mark this block as ```promql, or this line as inline code: {query.text}"
            for query in queries.unmarked(text, name) if _readable(api, query.text)]


def _readable(api, text):
    try:
        return ask(api, text) is not None
    except Refused:
        return False


def test_the_queries_of_the_dashboards(ready):
    assert faults(ready, queries.of_dashboards()) == []


@pytest.mark.parametrize("scale", ["classroom", "production"])
def test_the_queries_of_the_rules(ready, scale):
    asked = queries.of_rules(scale)
    assert len(asked) > 10 and faults(ready, asked) == []


def test_the_catalogued_series_are_there(ready):
    """Those of servers and exporters; those of the programs are compared in tests/integration."""
    section = (ROOT / "docs/metrics.md").read_text().partition("## Servers, exporters")[2]
    names = [name for line in section.splitlines() if line.startswith("| `")
             for name in re.findall(r"`([^`]+)`", line.split("|")[1])]
    assert len(names) > 50 and [name for name in names if not ask(ready, name)] == []


def test_what_is_rightly_empty_is_still_in_use():
    text = "\n".join(file.read_text() for file in queries.documents())
    assert [query for query in RIGHTLY_EMPTY if query not in " ".join(text.replace("\\|", "|").split())] == []


# How it is found

DOCUMENT = """
Ask `rate(hello_total[1m])`, or `hello_total`, or `x_total{a=\"b\"}`; `fruit_requests_total{code}` is none, nor is `rate()`.

| `a{b=~"c\\|d"}` | in a table |

```promql
# of everything
sum(up)

sum by (job)
  (up)
```
```promql empty
up == 0
```
```yaml
- alert: A
  expr: up == 1
```
```sh
curl 'http://127.0.0.1:9090/api/v1/query?query=sum%28up%29'
curl -d 'query=count(up)' http://127.0.0.1:9090/api/v1/query
```
"""


def test_queries_are_found_in_markdown():
    found = queries.of_markdown(DOCUMENT, "a.md", {"hello_total", "fruit_requests_total"})
    assert [(query.text, query.sure, query.empty) for query in found] == [
        ("sum(up)", True, False), ("sum by (job) (up)", True, False), ("up == 0", True, True), ("up == 1", True, False),
        ("sum(up)", True, False), ("count(up)", True, False), ("rate(hello_total[1m])", True, False),
        ("hello_total", False, False), ('x_total{a="b"}', True, False), ("fruit_requests_total{code}", False, False),
        ('a{b=~"c|d"}', True, False)]
    assert found[0].where == "a.md:7" and found[-1].where == "a.md:4"


@pytest.mark.parametrize("text, sentence", {
    "`rate(hello_totl[1m])`": "nobody has hello_totl",
    '`hello_total{job="nobody"}`': 'nobody has hello_total{job="nobody"}',
    "`sum by (job) (rate(hello_total[1m])`": "no PromQL",
    "```promql\nup{job='nobody'}\n```": "nobody has up{job='nobody'}",
    "```promql\nup == 7\n```": "gives nothing: up == 7",
    "```promql empty\nupp == 7\n```": "nobody has upp",
    "```yaml\nexpr: upp\n```": "nobody has upp",
    "```\ncurl 'localhost:9090/api/v1/query?query=upp'\n```": "nobody has upp",
}.items())
def test_a_fault_in_a_document_is_named(ready, text, sentence):
    said = faults(ready, queries.of_markdown("\n" + text, "a.md"))
    assert len(said) == 1 and sentence in said[0] and said[0].startswith(("a.md:2: ", "a.md:3: "))


@pytest.mark.parametrize("text", ["```promql\nup\n```", "```promql empty\nup == 0\n```", "`x_total{a=\"b\"}`", "`http_latency`",
                                  "`fruit_requests_total{code}`", "`rate(hello_total[1h] offset 1d)`"])
def test_what_is_right_is_left_alone(ready, text):
    assert faults(ready, queries.of_markdown(text)) == [] and hidden(ready, text) == []


@pytest.mark.parametrize("text", ["```\nrate(hello_total[1m])\n```", "```\nsum by (job)\n  (up)\n```",
                                  "Ask:\n\n    rate(hello_total[1m])\n", "```c\nup{job=\"frontend\"}\n```"])
def test_a_block_that_is_not_marked_does_not_slip_through(ready, text):
    assert len(hidden(ready, text, "a.md")) == 1
