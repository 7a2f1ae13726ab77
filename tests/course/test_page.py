"""The course's own reader of /metrics: it takes what Prometheus takes, refuses what it refuses, and names the line."""

import math

import pytest

from copy_of_tree import ROOT
from workshop.course import Garbage, Wrong, expect, parse

GOLDEN = ROOT / "tests/unit/golden/metrics.txt"

PAGE = """# HELP a_total Of a.
# TYPE a_total counter
a_total{x="1",y="a\\"b\\\\c\\nd"} 3
a_total{x="2",y=""} 4 1700000000000
# TYPE h histogram
h_bucket{le="0.5"} 1
h_bucket{le="+Inf"} 2
h_sum 7e-1
h_count 2
# a comment
g -Inf
"""


def test_what_a_page_says():
    page = parse(PAGE)
    assert page.families["a_total"].type == "counter" and page.families["a_total"].help == "Of a."
    assert page.value("a_total") == 7 and page.value("a_total", x="2") == 4 and page.value("nobody") is None
    assert page.labels("a_total")[0] == {"x": "1", "y": 'a"b\\c\nd'}
    assert [sample.name for sample in page.families["h"].samples] == ["h_bucket", "h_bucket", "h_sum", "h_count"]
    assert page.families["g"].type == "untyped" and page.value("g") == -math.inf
    later = parse(PAGE.replace("} 3", "} 5") + "new 2\n")
    assert (later - page).of("a_total") == 2 and (later - page).of("new") == 2 and (later - page).of("g", no="label") == 0


@pytest.mark.parametrize("line", ["requests so far: 7", "a", "a{b=1} 2", 'a{b="1" 2', 'a{b="1",,c="2"} 2', 'a{b="1"b="2"} 2', "a one", "1a 2",
                                  "a 0x1p3", "a 1_000", "a{b=\"\\q\"} 1", "<html>", "a 1 2 3", "# TYPE a number", "a 1,5",
                                  'a{b="1",b="2"} 3', "hello_total 1\nhello_total 1", '{"hello": 1}', "a=1"])
def test_a_line_that_is_none_is_named(line):
    with pytest.raises(Garbage, match=r"line \d of /metrics"):
        parse("ok_total 1\n" + line + "\n")


@pytest.mark.parametrize("text, says", [("", "empty"), ("\n\n", "empty"), ("a 1", "newline")])
def test_a_page_that_is_none(text, says):
    with pytest.raises(Garbage, match=says):
        parse(text)


def test_it_reads_all_that_the_library_writes():
    text = GOLDEN.read_text()
    page = parse(text)
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert sum(len(family.samples) for family in page.families.values()) == len(lines) > 20
    assert all(family.type != "untyped" for family in page.families.values())


@pytest.mark.parametrize("judged, says", [
    (lambda page: expect.family(page, "a_totals", "counter"), "has no a_totals"),
    (lambda page: expect.family(page, "a_total", "gauge"), "a_total is a counter"),
    (lambda page: expect.family(page, "a_total", "counter", ["x", "z"]), "a_total has no label z; it has x, y"),
    (lambda page: expect.family(page, "a_total", "counter", ["x"]), "a_total has a label y"),
    (lambda page: expect.bounded(page, "a_total", "x", ["1"], ""), 'a_total has a series with x="2"'),
    (lambda page: expect.grew(page - page, "a_total", 1, "nothing", x="1"), r'a_total\{x="1"\} grew by 0 for nothing')])
def test_what_a_teacher_says(judged, says):
    with pytest.raises(Wrong, match=says):
        judged(parse(PAGE))


def test_a_teacher_has_nothing_to_say_of_what_is_right():
    page = parse(PAGE)
    expect.family(page, "a_total", "counter", ["x", "y"])
    expect.family(page, "h", "histogram")
    expect.bounded(page, "a_total", "x", ["1", "2"], "")
