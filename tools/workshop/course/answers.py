"""Answers in PromQL, put to a Prometheus whose truth the check knows.

    query = answers.query(t, "answers/11/depth.promql")      the text; Wrong where it is missing, empty or only comment
    answers.rows(api, query)     [(labels, value)]; Wrong in Prometheus's own words where it refuses
    answers.number(api, query)   the value of the one series that there must be
"""

import json
import math
import urllib.parse

from ..service import http_get
from .report import Wrong
from .tree import NAME


class Query(str):
    """The text of an answer, which knows its file."""

    path = ""


def query(t, path):
    text = t.answer(path)
    if not any(line.strip() and not line.strip().startswith("#") for line in text.split("\n")):
        raise Wrong(f"{NAME}/{path} has no query yet", expected="one expression in PromQL; lines that begin with # are comment")
    found = Query(text)
    found.path = f"{NAME}/{path}"
    return found


def rows(api, text):
    status, body = http_get(f"{api.url}/api/v1/query?" + urllib.parse.urlencode({"query": text}), 10)
    answer = json.loads(body) if body.startswith("{") else {}
    if status != 200 or answer.get("status") != "success":
        raise Wrong(f"{where(text)}: Prometheus refuses it: {answer.get('error') or body[:200]}", shown=shown(text))
    data = answer["data"]
    if data["resultType"] not in ("vector", "scalar"):
        raise Wrong(f"{where(text)} gives a {data['resultType']}", expected="one value a series, of now", shown=shown(text),
                    likely="a range such as [1m] belongs inside a function such as rate()")
    found = [({}, data["result"])] if data["resultType"] == "scalar" else [(row["metric"], row["value"])
                                                                           for row in data["result"]]
    return [(labels, float(value[1])) for labels, value in found]


def number(api, text, nothing=None):
    """`nothing` says what is likely where there is no series."""
    found = rows(api, text)
    if not found:
        raise Wrong(f"{where(text)} gives nothing", expected="one number", shown=shown(text),
                    likely=nothing or "no series has that name and those labels; try the parts of it one by one")
    if len(found) > 1:
        raise Wrong(f"{where(text)} gives {len(found)} series", expected="one number", shown=shown(text),
                    likely="sum(…) makes one of them; or name the label that chooses the one you want")
    if math.isnan(found[0][1]):
        raise Wrong(f"{where(text)} gives NaN", expected="a number", shown=shown(text),
                    likely="0 / 0: nothing happened within the range; a longer one, such as [1m], sees more")
    return found[0][1]


def where(text):
    return getattr(text, "path", "the query")


def shown(text):
    """Its lines without comment."""
    return "\n".join(line.strip() for line in text.split("\n") if line.strip() and not line.strip().startswith("#"))[:300]
