"""What the person lab's dashboard shows while its scenario runs, compared with what the scenario asks and what others say."""

import json
import time
from pathlib import Path

import pytest
import requests

from conftest import ROOT
from watched import shown

UID = "person"
SCENARIO = json.loads((ROOT / "labs/person/scenario.json").read_text())["scenarios"]
READS, LISTS, UPDATES = (SCENARIO[part]["rate"] for part in ("read", "list", "update"))
USERS = SCENARIO["create"]["vus"]
MOMENT = 29  # s after the scenario's begin: people are created for 25 s more, and none is deleted yet


@pytest.fixture(scope="module")
def panel(watched):
    """panel(title) as it was at MOMENT, whenever these tests' turn comes."""
    api = watched.wait().api
    time.sleep(max(0, watched.began + MOMENT - time.time()))  # nothing to wait for but time
    return lambda title: shown(api, UID, title, time=watched.began + MOMENT)


@pytest.fixture(scope="module")
def now(watched):
    api = watched.wait().api
    return lambda title: shown(api, UID, title)


@pytest.fixture(scope="module")
def lab(watched):
    return watched.stack.services["person"]


def near(value, share=0.2, absolute=0.0):
    return pytest.approx(value, rel=share, abs=absolute)


def people(lab):
    """How many there are, by the service's own list."""
    return int(requests.get(lab.url + "/person/list", timeout=5).headers["X-Total-Count"])


def test_every_panel_is_tried():
    panels = {panel["title"] for panel in json.loads((ROOT / f"grafana/dashboards/{UID}.json").read_text())["panels"]
              if panel["type"] != "row"}
    text = Path(__file__).read_text()
    assert [title for title in panels if f'panel("{title}")' not in text and f'now("{title}")' not in text] == []


def test_each_route_is_asked_as_the_scenario_says(panel):
    rates = panel("Requests by route")
    assert rates["GET /person/:id"] == near(READS) and rates["GET /person/list"] == near(LISTS)
    assert rates["PUT /person/:id"] == near(UPDATES, absolute=1)
    assert panel("Requests a second")["requests"] == near(sum(rates.values()), 0.1)


def test_littles_law_holds(panel):
    """All of the users wait for a creation, all the time: so many at once, so many a second, so long each."""
    rate = panel("Requests by route")["POST /person"]
    busy = panel("Being worked on")
    assert busy["POST"] == near(USERS, 0.15)
    assert rate * 0.055 == near(USERS, 0.25), "the mean of 10 to 100 ms, and what the machine adds"
    assert busy["DELETE"] == 0 and busy["PUT"] <= UPDATES


def test_durations_are_the_delays(panel):
    """To the width of a bucket; a busy machine adds what it likes."""
    seconds = panel("95 % answered within")
    assert 0.045 < seconds["GET /person/:id"] < 0.25 and 0.075 < seconds["POST /person"] < 0.25
    assert 0.075 < seconds["PUT /person/:id"] < 0.3 and 0.075 < seconds["GET /person/list"] < 0.25


def test_answers_are_those_of_the_routes(panel):
    codes, rates = panel("Answers by status"), panel("Requests by route")
    assert codes["201"] == near(rates["POST /person"], 0.1)
    assert set(codes) <= {"200", "201", "404"}
    assert 0 <= panel("Asked for and not there")["not found"] < 0.6
    assert panel("Requests refused because the store is full")["507"] == 0


def test_people_are_counted(panel, now, lab):
    """The last scrape may be 5 s ago: of those who came or went meanwhile it does not know."""
    before, people_shown, after = people(lab), now("People")["people"], people(lab)
    assert before - 15_000 < people_shown < after + 600
    made = panel("Created and deleted")
    assert made["created"] == near(panel("Requests by route")["POST /person"], 0.1) and made["deleted"] == 0
    assert panel("People")["people"] == near(made["created"] * MOMENT, 0.25)


def test_bodies_are_as_long_as_what_is_sent(panel):
    """The template's length is within some bytes that of what is made from it."""
    sizes = panel("Size of bodies")
    assert 110 < sizes["mean"] < 160 and 100 < sizes["half are below"] < 200


def test_the_process_is_told_as_the_kernel_tells_it(now, lab):
    memory, processor = now("Memory"), now("Processor")
    status = Path(f"/proc/{lab.pid}/status").read_text()
    resident = 1024 * int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])
    assert memory["resident"] == near(resident, 0.3) and memory["app_memory_usage_megabytes"] == near(memory["resident"], 0.1)
    assert 0 < processor["by the counter"] < 100 and processor["app_cpu_usage_percent"] == near(processor["by the counter"], 0.8, 3)
