"""The person lab without its delays: a read, beside the frontend's GET /health; and what 100,000 people take in memory."""

import json
import tempfile

from ..labs import Lab
from .contestants import PERSON, binary, make_tables, started
from .figures import alternate, show, show_contest, show_costs, show_ratio
from .http import CONNECTIONS, resident
from .load import output_of, wrk_on

NEEDS = ("postgres", "redis", "rabbitmq", PERSON)
PEOPLE = 100_000
USERS = 50
LONGEST = {"first_name": 100, "last_name": 100, "email": 254, "address": 300}  # bytes that a field may have


def run(stack, seconds):
    make_tables(stack)
    stack.start("frontend")
    person = _without_delays(stack, "person-1")
    _memory(stack, person, "person_memory", _usual(stack))
    runs = alternate({"ours": lambda: wrk_on(person, "/person/50000", seconds, CONNECTIONS),
                      "health": lambda: wrk_on(stack.frontend, "/health", seconds, CONNECTIONS)}, seconds)
    show_contest("person_read", runs, "req/s")
    show_costs("person_read", runs, "p99", "ms")
    show_costs("person_read", runs, "cpu", "us/req")
    show_ratio("person_read/health.by_cpu", runs["health"]["cpu"], runs["ours"]["cpu"])  # where the machine is busy
    _memory(stack, _without_delays(stack, "person-2"), "person_memory_longest", {name: "x" * n for name, n in LONGEST.items()})


def _without_delays(stack, label):
    return started(stack, lambda stack: Lab(stack, "person", "--get-delay", "0", label=label))[0]


def _usual(stack):
    """The body that the lab's scenario creates people with."""
    scenario = json.loads((stack.root / "labs/person/scenario.json").read_text())
    return scenario["scenarios"]["create"]["request"]["body"]


def _memory(stack, person, name, body):
    """Fills the store."""
    before = resident(person)
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({"scenarios": {"fill": {
            "executor": "shared-iterations", "vus": USERS, "iterations": PEOPLE,
            "request": {"method": "POST", "path": "/person", "expect": [201], "body": body}}}}, file)
        file.flush()
        output_of([binary(stack, "traffic"), "--target", person.url, "--scenario", file.name, "--quiet", "--listen",
                   "127.0.0.1:0", "--fail-above-error-ratio", "0"])
    show(name, resident(person) / 1024, "MiB")
    show(f"{name}.empty", before / 1024, "MiB")
    show(f"{name}.a_person", (resident(person) - before) * 1024 / PEOPLE, "bytes")
