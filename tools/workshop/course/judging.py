"""A student's query judged by what it answers: against a truth that is known, with a word on the mistake where the answer
is that of a mistake that is often made.

    asked(history, where, text, Question(truth, what, mistakes))   returns the rows, or raises Wrong

`truth` is {(("endpoint", "/hello"),): 0.6}: a value for each set of labels, () for none. A mistake is a query whose
answer differs from the truth, and what to say to whoever has that answer.
"""

import difflib
import math
import re
from dataclasses import dataclass

from ..promql import metrics
from .report import Wrong

NEAR = 0.02  # of the truth
NAN = ("NaN is not a number: 0 / 0, or a quantile of buckets in which nothing was counted. Which series did nothing in that "
       "time? Ask for each part alone; sum them up before you divide")


@dataclass
class Question:
    truth: dict
    what: str             # "greetings a second", for the messages
    mistakes: tuple = ()  # (query, what to say), the likeliest first
    also: tuple = ()      # further truths that are as good
    skip: tuple = ()      # (label, values): series with another value of that label are passed over


def key(labels):
    return tuple(sorted(labels.items()))


def near(left, right):
    return math.isclose(left, right, rel_tol=NEAR, abs_tol=1e-9) or math.isnan(left) and math.isnan(right)


def query(text, where):
    """The text of an answer file without its comments, in one piece."""
    bare = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#")).strip()
    if not bare:
        raise Wrong(f"{where} has no query yet, only comments", expected="one query in PromQL below them",
                    likely="write it in Prometheus's own page first, and copy it when it shows what you want")
    return bare


def asked(history, where, text, question):
    outcome = history.ask(text)
    if outcome.error:
        raise Wrong(f"Prometheus does not understand {where}: {plain(outcome.error)}", shown=text,
                    expected="one query in PromQL", likely=advice(outcome.error))
    if outcome.kind == "matrix":
        raise Wrong(f"{where} gives every sample of a range, not one value", shown=text, expected=question.what,
                    likely="a range such as [1m] is made to be put into a function: rate(…[1m])")
    outcome.rows = tuple(row for row in outcome.rows if not skipped(row[0], question))
    if not outcome.rows:
        raise empty(history, where, text, question)
    found = {key(labels): value for labels, value in outcome.rows}
    if any(same(found, truth) for truth in (question.truth, *question.also)):
        return outcome.rows
    raise wrong(history, where, text, question, outcome, found)


def skipped(labels, question):
    return bool(question.skip) and question.skip[0] in labels and labels[question.skip[0]] not in question.skip[1]


def same(found, truth):
    if truth.keys() == {()} and len(found) == 1:  # a single value may bear a label that all its series have
        return near(*found.values(), truth[()])
    return found.keys() == truth.keys() and all(near(found[labels], truth[labels]) for labels in truth)


def empty(history, where, text, question):
    for name in sorted(metrics(text) - history.names):
        close = difflib.get_close_matches(name, history.names, 1, 0.7)
        return Wrong(f"{where} asks for {name}, and no series is called so", expected=question.what,
                     likely=f"there is {close[0]}" if close else "the page /metrics of the program shows the names")
    if "histogram_quantile" in text and not re.search(r"\ble\b", text):
        return Wrong(f"{where} has a quantile of buckets whose label le is gone", shown=text, expected=question.what,
                     likely="le says which bucket it is: sum by (le) (…), or by (le, endpoint), keeps it")
    return Wrong(f"{where} gives nothing at all", shown=text, expected=question.what,
                 likely="a label's value that no series has, or two sides of a / whose labels differ: "
                        "ask for each part alone, and see which of them is empty")


def wrong(history, where, text, question, outcome, found):
    """The mistake whose answer this is; else what differs."""
    for mistaken, word in question.mistakes:
        other = {key(labels): value for labels, value in history.ask(mistaken).rows if not skipped(labels, question)}
        if other and not same(other, question.truth) and same(found, other):
            return Wrong(f"{where} gives {told(found)}", expected=f"{question.what}: {told(question.truth)}", likely=word)
    if any(math.isnan(value) for value in found.values()):
        return Wrong(f"{where} gives {told(found)}", shown=text, expected=f"{question.what}: {told(question.truth)}", likely=NAN)
    extra, missing = difference(found, question.truth)
    if extra or missing:
        names = ", ".join(sorted(missing or extra)[:4])
        return Wrong(f"{where} gives {len(found)} values, with the labels {', '.join(sorted(all_labels(found))[:6]) or 'none'}",
                     expected=f"{question.what}: {told(question.truth)}",
                     likely=f"sum by ({names}) (…) keeps that label" if missing else
                     f"each {names} has a value of its own: put them together with sum, which drops "
                     "every label but those behind `by`")
    return Wrong(f"{where} gives {told(found)}", shown=text, expected=f"{question.what}: {told(question.truth)}",
                 likely="ask for each part alone in Prometheus's page, and compare with what you know")


def all_labels(values):
    return {name for labels in values for name, _ in labels}


def difference(found, truth):
    there, wanted = all_labels(found), all_labels(truth)
    return there - wanted, wanted - there


def told(values, most=4):
    """{endpoint="/hello"} 0.6, {endpoint="/fruit"} 0.4"""
    shown = [" ".join(filter(None, (series(labels), number(value)))) for labels, value in list(values.items())[:most]]
    return ", ".join(shown) + (f" and {len(values) - most} more" if len(values) > most else "")


def number(value):
    return "NaN" if math.isnan(value) else f"{value:.4g}"


def series(labels):
    return "{" + ", ".join(f'{name}="{value}"' for name, value in labels) + "}" if labels else ""


def plain(error):
    """Prometheus's words without its addresses."""
    return re.sub(r"^invalid parameter \"query\": ", "", error).replace("\n", " ")[:250]


SAYS = (
    (r"expected type range vector", "rate and its like want a range: name[1m]"),
    (r"expected type instant vector|ranges only allowed", "a function such as sum or histogram_quantile wants no range; "
     "the range belongs into rate(…[1m]), and rate comes first, then sum"),
    (r"many-to-many|found duplicate series", "both sides of an operator need the same labels: sum both, or sum by (…) both"),
    (r"unclosed|unexpected end|unexpected right", "count the brackets"),
    (r"unknown function", "is the function's name spelt right? Prometheus's page completes names"),
    (r"missing unit|bad duration|unexpected .* in duration|not a valid duration", "a range has a unit: 30s, 1m, 2h"),
)


def advice(error):
    return next((word for pattern, word in SAYS if re.search(pattern, error, re.I)), None)
