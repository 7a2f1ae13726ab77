"""`./workshop up --docker`, and how the other commands know which way the workshop runs."""

import os
import re
import socket
import subprocess

import composefile
import pytest
from composefile import ROOT
from workshop import free_offset
from workshop.docker import Docker, choose, services
from workshop.labs import LABS
from workshop.stack import Stack

GRAFANA = composefile.load()["services"]["grafana"]["image"]


@pytest.fixture(scope="module")
def offset():
    return free_offset()


@pytest.fixture
def command(engine, offset):
    """./workshop COMMAND with the engine of the tests, on ports of its own."""

    def run(*words):
        return subprocess.run([ROOT / "workshop", *words, "--port-offset", str(offset)], cwd=ROOT, capture_output=True,
                              text=True, env=engine.environment, timeout=400)

    yield run
    run("reset")


@pytest.fixture
def grafana(engine):
    """Something that says yes in Grafana's place, while a test wants the whole to come up."""
    engine.docker("build", "--network", "host", "--target", "blank", "-t", GRAFANA, ROOT / "tests/compose/standins")
    yield
    engine.docker("rmi", "-f", GRAFANA)


def test_an_image_that_is_missing_is_named(command):
    done = command("up", "--docker")
    assert done.returncode == 1
    assert f"the image {GRAFANA} is not here, and cannot be pulled: " in done.stderr
    assert f"docker pull {GRAFANA}" in done.stderr


def test_without_a_wish_a_missing_image_means_natively(engine, monkeypatch, offset, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", engine.host)
    with_docker, why = choose(Docker(ROOT, offset), Stack(ROOT, tmp_path, port_offset=offset), False, False)
    assert not with_docker and GRAFANA in why and "\n" not in why


def test_a_taken_port_is_named_with_its_holder(command, offset, grafana):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 5002 + offset))
        holder.listen()
        done = command("up", "--docker")
    assert done.returncode == 1
    assert re.search(rf"port {5002 + offset} \(traffic\) is taken by \S+ \(pid {os.getpid()}\)", done.stderr)


def test_up_to_reset(command, offset, grafana, engine):
    done = command("up")
    assert done.returncode == 0, done.stderr + done.stdout
    assert "in containers: a Docker engine answers (version" in done.stdout
    for port in (5000, 5001, 5002, 3000, 9090, 9093, 15672, 5432, 6379):
        assert f":{port + offset}" in done.stdout
    assert command("up", "--native").stderr.startswith("workshop: the workshop runs in containers already")
    status = command("status")
    assert status.returncode == 0 and re.search(rf"^frontend +running +\w{{12}} +{5000 + offset}$", status.stdout, re.M)
    assert "person" not in status.stdout
    labs = command("up", "--docker", "--labs")
    assert labs.returncode == 0, labs.stderr + labs.stdout
    assert f":{7080 + offset}/metrics" in labs.stdout and f"localhost:{50051 + offset}" in labs.stdout
    targets = Docker(ROOT, offset)._api.targets()
    assert {job: targets[job][0] for job in LABS} == dict.fromkeys(LABS, "up")
    assert re.search(rf"^exporter +running +\w{{12}} +{8081 + offset}$", command("status").stdout, re.M)
    assert '"service":"person"' in command("logs", "person").stdout
    assert '"service":"traffic"' in command("logs", "traffic", "-n", "5").stdout
    assert command("logs", "nobody").stderr.startswith("workshop: there is no log of nobody")
    down = command("down")
    assert down.returncode == 0 and "frontend" in down.stdout and "person" in down.stdout
    assert not engine.docker("ps", "-aq").stdout
    volumes = engine.docker("volume", "ls", "-q").stdout
    assert "postgres-data" in volumes
    assert command("status").returncode == 1


def test_the_line_reader_sees_what_a_yaml_reader_sees():
    read = services(ROOT)
    for name, service in composefile.load()["services"].items():
        assert read[name]["image"] == service["image"]
        assert read[name]["profile"] == "".join(service.get("profiles", ()))
        published = sorted(int(port.split(":")[1]) for port in service.get("ports", ()))
        assert sorted(read[name]["ports"].values()) == published
