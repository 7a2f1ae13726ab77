"""The image of the labs: each started by `docker run -p`, as docs/labs/README.md says, and asked from outside. Long form.

The engine is the one of tests/compose, with its cache of what was built."""

import contextlib
import fcntl
import shutil
import subprocess
import time

import pytest

import images
from conftest import ROOT
from engine import Engine, refuse_hopeless
from program import BIN
from until import until
from workshop.labs import LABS
from workshop.service import http_get

CACHE = ROOT / ".workshop/cache/engine"
IMAGE = "metrics-workshop-labs:0.1.0"
RUNS = {"person": (7080, ["person", "--listen", "0.0.0.0:7080"]),
        "echo": (50052, ["echo", "--listen", "0.0.0.0:50051", "--metrics-listen", "0.0.0.0:50052"]),
        "exporter": (8081, ["stats_exporter", "--listen", "0.0.0.0:8081", "--stats-uri", "http://127.0.0.1:1/stats"])}
HARDENED = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges:true", "--memory", "128m")


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    refuse_hopeless()
    with contextlib.ExitStack() as cleanup:
        CACHE.mkdir(parents=True, exist_ok=True)
        lock = cleanup.enter_context(open(CACHE.with_suffix(".lock"), "w"))
        fcntl.flock(lock, fcntl.LOCK_EX)
        with Engine(CACHE, network="machine") as builder:
            images.make_base(builder, tmp_path_factory.mktemp("images"))
            for target, image in {"toolchain": "cached-toolchain", "build": "cached-build", "labs": IMAGE}.items():
                images.build(builder, target, image, ROOT)
        own = cleanup.enter_context(Engine(CACHE, network="own"))
        cleanup.enter_context(own.inside())
        own.docker("network", "create", "labs", check=False)  # the usual one is that of the engine that built
        yield own


@contextlib.contextmanager
def container(engine, lab):
    port, words = RUNS[lab]
    number = engine.docker("run", "-d", *HARDENED, "--network", "labs", "-p", f"127.0.0.1:{port}:{port}", "-p", "127.0.0.1:50051:50051", IMAGE,
                           *words).stdout.strip()
    try:
        until(lambda: http_get(f"http://127.0.0.1:{port}/health")[0] == 200, 20)
        yield number, f"http://127.0.0.1:{port}"
    finally:
        engine.docker("rm", "-f", number)


@pytest.mark.parametrize("lab", LABS)
def test_it_serves_says_that_it_is_well_and_ends_at_once(engine, lab):
    with container(engine, lab) as (number, url):
        assert "process_resident_memory_bytes" in http_get(url + "/metrics")[1]
        assert engine.docker("exec", number, *RUNS[lab][1], "--healthcheck", check=False).returncode == 0
        begin = time.monotonic()
        engine.docker("stop", "-t", "8", number)
        assert time.monotonic() - begin < 6
        assert engine.docker("inspect", "-f", "{{.State.ExitCode}}", number).stdout.strip() == "0"


def test_traffic_from_outside_reaches_person(engine):
    with container(engine, "person") as (_, url):
        done = subprocess.run([BIN / "traffic", "--target", url, "--only", "/person/list", "--requests", "200", "--pause", "0",
                               "--fail-above-error-ratio", "0", "--listen", "127.0.0.1:0"], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr


def test_echos_client_from_outside_reaches_echo(engine):
    with container(engine, "echo"):
        done = subprocess.run([BIN / "echo_client", "--target", "127.0.0.1:50051", "--calls", "200",
                               "--fail-above-error-ratio", "0"], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr


def test_the_profile_of_compose_has_all_three_healthy(engine):
    """Without the frontend, whom the exporter asks: it is well nevertheless, and says that its source is not."""
    if not shutil.which("docker-compose"):
        pytest.skip("there is no docker-compose (package docker-compose)")

    def compose(*words):
        return subprocess.run(["docker-compose", "-f", ROOT / "docker-compose.yml", "-p", "labs", "--profile", "labs", *words],
                              cwd=ROOT, env=engine.environment, capture_output=True, text=True, check=True)

    def health():
        shown = engine.docker("ps", "--filter", "label=com.docker.compose.project=labs", "--format", "{{.Status}}").stdout
        return shown.count("(healthy)") == 3

    try:
        compose("up", "-d", "--no-build", *LABS)
        until(health, 60, every=0.5)
        assert "syseng_up 0" in http_get("http://127.0.0.1:8081/metrics", 5)[1]
        assert http_get("http://127.0.0.1:50052/health")[0] == 200
    finally:
        compose("down", "-v", "-t", "10")
