"""deploy/labs: no cluster can be run here, so this reads what is there: that it agrees with itself and with the exporter."""

import re
import subprocess

import pytest
import yaml

from conftest import ROOT
from program import BIN
from workshop.ports import LAB_PORTS

COMPOSE = yaml.safe_load((ROOT / "deploy/labs/compose.yml").read_text())["services"]
POD = yaml.safe_load((ROOT / "deploy/labs/kubernetes.yml").read_text())["spec"]["template"]
CONTAINERS = {container["name"]: container for container in POD["spec"]["containers"]}
COMMANDS = {"compose": COMPOSE["shop-exporter"]["command"], "kubernetes": CONTAINERS["exporter"]["args"]}


@pytest.mark.parametrize("where", COMMANDS)
def test_the_exporter_takes_these_words_and_reads_its_neighbour(where):
    program, *words = COMMANDS[where]
    known = subprocess.run([BIN / program, "--help"], capture_output=True, text=True, check=True).stdout
    assert all(f"{flag} " in known for flag in words if flag.startswith("--"))
    given = dict(zip(words[::2], words[1::2], strict=True))
    assert given["--listen"] == f"0.0.0.0:{LAB_PORTS['exporter']}"
    assert given["--stats-uri"] == f"http://127.0.0.1:{LAB_PORTS['source']}/stats"


def test_the_sidecars_port_is_scraped():
    assert POD["metadata"]["annotations"]["prometheus.io/port"] == str(LAB_PORTS["exporter"])
    assert CONTAINERS["exporter"]["ports"][0]["containerPort"] == LAB_PORTS["exporter"]
    assert POD["metadata"]["labels"]["app.kubernetes.io/name"] == "exporter", "it becomes the job that the alerts ask for"
    (job,) = yaml.safe_load((ROOT / "deploy/labs/prometheus.yml").read_text())["scrape_configs"]
    assert job["static_configs"][0]["targets"] == [f"shop:{LAB_PORTS['exporter']}"]


def test_the_exporters_readiness_does_not_hang_on_its_source():
    assert "readinessProbe" not in CONTAINERS["exporter"]
    assert CONTAINERS["exporter"]["livenessProbe"]["httpGet"]["path"] == "/health"


def test_the_pair_shares_a_network_namespace():
    assert COMPOSE["shop-exporter"]["network_mode"] == "service:shop" and "ports" not in COMPOSE["shop-exporter"]
    assert all(re.match(r"127\.0\.0\.1:", port) for port in COMPOSE["shop"]["ports"])


def test_images_are_those_of_the_workshop():
    ours = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    assert COMPOSE["shop-exporter"]["image"] == CONTAINERS["exporter"]["image"] == ours["exporter"]["image"]
    assert COMPOSE["shop"]["image"] == CONTAINERS["shop"]["image"] == ours["notifications"]["image"]
    assert COMPOSE["prometheus"]["image"] == ours["prometheus"]["image"]


def test_an_exporter_needs_less_than_it_may_have(run):
    """Limits of memory are of the release build; a sanitizer's takes ten times as much."""
    exporter = run("exporter", "--stats-uri", "http://127.0.0.1:1/stats")
    if "asan" in str(exporter.binary):
        pytest.skip("a sanitizer's build")
    for _ in range(50):
        exporter.get("/metrics")
    assert exporter.value("process_resident_memory_bytes") < 8 << 20
