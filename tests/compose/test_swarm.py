"""deploy/swarm/: the stack as it stands, on a swarm of one engine; every replica is a target, also after scaling."""

import re

import pytest
import yaml
from composefile import ROOT
from until import until
from workshop.prometheus import Api

STACK = ROOT / "deploy/swarm/stack.yml"
SERVICES = yaml.safe_load(STACK.read_text())["services"]


@pytest.fixture(scope="module")
def swarm(engine):
    engine.docker("swarm", "init", "--advertise-addr", "127.0.0.1")
    try:
        engine.docker("stack", "deploy", "--resolve-image", "never", "-c", STACK, "workshop")
        yield engine
    finally:
        engine.docker("stack", "rm", "workshop", check=False)
        until(lambda: not engine.docker("ps", "-q").stdout, 60, every=0.5)
        engine.docker("swarm", "leave", "--force", check=False)
        engine.docker("volume", "rm", "-f", *(f"workshop_{name}" for name in ("postgres-data", "rabbitmq-data", "prometheus-data")))


def replicas(swarm):
    """service → (running, wanted)."""
    rows = swarm.docker("service", "ls", "--format", "{{.Name}} {{.Replicas}}").stdout
    return {name: (int(running), int(wanted)) for name, running, wanted in re.findall(r"workshop_(\S+) (\d+)/(\d+)", rows)}


def up(job):
    return {labels["instance"] for labels, value in Api("http://127.0.0.1:9090").query(f'up{{job="{job}"}} == 1')}


def test_all_replicas_come_up(swarm):
    wanted = {name: service["deploy"].get("replicas", 1) for name, service in SERVICES.items()}
    until(lambda: replicas(swarm) == {name: (count, count) for name, count in wanted.items()}, 180, every=1)


@pytest.mark.parametrize("name", ["frontend", "backend"])
def test_every_replica_is_a_target(swarm, name):
    count = SERVICES[name]["deploy"]["replicas"]
    assert count > 1
    until(lambda: len(up(name)) == count, 90, every=0.5)


def test_every_backend_has_work(swarm):
    api = Api("http://127.0.0.1:9090")
    working = "sum by (instance) (increase(worker_jobs_total[1m])) > 0"
    until(lambda: len(api.query(working)) == SERVICES["backend"]["deploy"]["replicas"], 90, every=0.5)


def test_nothing_is_stored_twice_or_lost_to_dead_letters(swarm):
    database = swarm.docker("ps", "-q", "-f", "label=com.docker.swarm.service.name=workshop_postgres").stdout.split()[0]

    def ask(query):
        shell = f"PGPASSWORD=demo psql -h 127.0.0.1 -U demo -Atc '{query}' demo"
        return int(swarm.docker("exec", database, "sh", "-c", shell).stdout)

    until(lambda: ask("select count(*) from fruits") > 20, 60, every=0.5)
    assert ask("select count(*) - count(distinct message_id) from fruits") == 0
    assert ask("select count(*) from dead_letter") == 0


def test_what_is_added_and_taken_away_is_noticed(swarm):
    swarm.docker("service", "scale", "-d", "workshop_frontend=4")
    until(lambda: len(up("frontend")) == 4, 90, every=0.5)
    swarm.docker("service", "scale", "-d", "workshop_frontend=1")
    until(lambda: len(up("frontend")) == 1, 90, every=0.5)
