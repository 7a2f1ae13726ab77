"""Asking a running Prometheus each of the queries of queries.py, and saying what is wrong with one.

    faults(api, queries)    a sentence for each that gives nothing, or is no PromQL
    hidden(api, text)       a sentence for each in a block that is not marked, so that nobody would run it

Queries for series that only the labs have are asked where they run alone: of an Api with `labs` (tests/labs).
"""

import json
import re
import urllib.parse

import queries
from queries import concrete
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
} | dict.fromkeys(queries.lab_series(), "of a lab; tests/labs")
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
    elsewhere = set() if getattr(api, "labs", False) else ELSEWHERE.keys()
    if found or query.text in RIGHTLY_EMPTY or names & elsewhere or (names and all(ANY.fullmatch(name) for name in names)):
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


def hidden(api, text, name=""):
    """Queries in blocks that are not marked, so that nobody would run them."""
    return [f"{query.where}: mark this block as ```promql, or this line as inline code: {query.text}"
            for query in queries.unmarked(text, name) if _readable(api, query.text)]


def _readable(api, text):
    try:
        return ask(api, text) is not None
    except Refused:
        return False
