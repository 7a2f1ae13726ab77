"""The labs with their loads, and a Prometheus that watches them: what `./workshop lab` starts, for tests of what it sees."""

import json
import re
import time
import urllib.request
from pathlib import Path

import queries
from workshop import Stack, free_offset
from workshop.labs import LABS
from workshop.service import http_get

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 20  # of the labs' life that Prometheus must have seen: four scrapes, so that rates are there


class Watched:
    def __init__(self, root, directory):
        self.stack = Stack(root, directory, port_offset=free_offset(), die_with_parent=True)
        self.stack.labs, self.stack.prometheus.alone = tuple(LABS), True
        self.api = self.stack.prometheus.api
        self.api.labs = True

    def __enter__(self):
        self.stack.start("prometheus", "loadkeeper", "source", *LABS)
        for lab in LABS:
            self.stack.start(f"load-{lab}")
        self.began = time.time()
        return self

    def __exit__(self, *exception):
        self.stack.down()

    def wait(self, limit=60):
        """Until Prometheus has seen every lab for so long."""
        end = time.monotonic() + limit
        while self.seen() < SECONDS:
            assert time.monotonic() < end, f"Prometheus has seen the labs for {self.seen()} s: {self.api.targets()}"
            time.sleep(0.2)
        return self

    def seen(self):
        """For how many seconds every lab has been there."""
        first = self.api.query(f'min_over_time(timestamp(up{{job=~"{"|".join(LABS)}"}} == 1)[1h:1s])')
        return time.time() - max(value for _, value in first) if len(first) == len(LABS) else 0

    # The exporter's source.

    def statistics(self):
        return json.loads(http_get(self.stack.source.url + "/stats")[1])

    def say(self, mood):
        with urllib.request.urlopen(f"{self.stack.source.url}/say/{mood}", data=b"", timeout=5) as answer:
            assert answer.status == 200

    def until_scraped(self):
        """Until the exporter was scraped anew, from now on."""
        begin, end = time.time(), time.monotonic() + 15
        while not (self.api.value('timestamp(up{job="exporter"})') or 0) > begin:
            assert time.monotonic() < end, "the exporter is not scraped"
            time.sleep(0.1)


def shown(api, uid, title, **more):
    """The values of a panel, by the label that varies; `time=` asks of another time than now."""
    panel = next(panel for panel in json.loads((ROOT / f"grafana/dashboards/{uid}.json").read_text())["panels"]
                 if panel["title"] == title)
    found = {}
    for target in panel["targets"]:
        for labels, value in api.query(queries.concrete(target["expr"], SECONDS - 5), **more):
            found[re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda name: labels[name[1]], target["legendFormat"])] = value
    return found
