"""Every PromQL of the tree gives something while the workshop runs under its load: in README, docs, dashboards, rules and
runbooks. A wrong name, a missing label or a slip of the pen is found here, and not by a student in front of an empty graph.
"""

import re

import pytest

import queries
from asked import RIGHTLY_EMPTY, ask, faults, hidden
from conftest import ROOT

@pytest.mark.parametrize("file", queries.documents(), ids=lambda file: str(file.relative_to(ROOT)))
def test_the_queries_of_a_document(ready, file):
    name = str(file.relative_to(ROOT))
    assert faults(ready, queries.of_markdown(file.read_text(), name)) == []
    assert hidden(ready, file.read_text(), name) == []


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
