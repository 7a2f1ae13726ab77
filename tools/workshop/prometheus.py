"""Questions put to a running Prometheus over its HTTP API."""

import json
import urllib.parse
from datetime import datetime

from .service import http_get


class Api:
    def __init__(self, url):
        self.url = url

    def _get(self, path, **parameters):
        query = "?" + urllib.parse.urlencode(parameters) if parameters else ""
        status, body = http_get(f"{self.url}/api/v1/{path}{query}", 5)
        return json.loads(body)["data"] if status == 200 else None

    def query(self, promql, **more):
        """The result of an instant query: [(labels, value)], empty where there is none. `time=` asks of another time."""
        data = self._get("query", query=promql, **more)
        return [(row["metric"], float(row["value"][1])) for row in data["result"]] if data else []

    def value(self, promql):
        """The first sample's value, None where there is none."""
        rows = self.query(promql)
        return rows[0][1] if rows else None

    def targets(self, since=0):
        """job → (health, last error); the worst of its targets where a job has several. One that was not scraped
        after `since`, in seconds since 1970, is "not asked yet"."""
        data = self._get("targets", state="active")
        found = {}
        for target in data["activeTargets"] if data else ():
            job, health = target["labels"]["job"], target["health"]
            if datetime.fromisoformat(target["lastScrape"]).timestamp() < since:
                health = "not asked yet"
            if job not in found or health != "up":
                found[job] = (health, target["lastError"])
        return found

    def kind(self, metric):
        """counter, gauge, histogram or summary, as the metric's TYPE line said; None where it is unknown. OpenMetrics
        names a counter there without its _total."""
        for name in (metric, metric.removesuffix("_total")):
            data = self._get("metadata", metric=name)
            if data and name in data:
                return data[name][0]["type"]
        return None

    def pages(self):
        """(graph, targets): Debian's builds serve the classic pages alone, 3.x has /query, other builds /graph."""
        for graph, targets in (("/classic/graph", "/classic/targets"), ("/query", "/targets"), ("/graph", "/targets")):
            status, body = http_get(self.url + graph, 2)
            if status == 200 and "<html" in body:
                return self.url + graph, self.url + targets
        return self.url, self.url + "/targets"
