"""docker-compose.yml as it stands, under a real engine: it becomes healthy, data flows, and what it promises holds."""

import json
import os
import signal
from pathlib import Path

import composefile
import images
import psycopg2
import pytest
from composefile import ROOT
from conftest import Stack, running
from until import until
from workshop.labs import LABS
from workshop.prometheus import Api

PROGRAMS = ("frontend", "backend", "traffic")
each_program = pytest.mark.parametrize("name", PROGRAMS)
CORE = [name for name, service in composefile.load()["services"].items()
        if name not in images.LEFT_OUT and "profiles" not in service]
each_service = pytest.mark.parametrize("name", CORE)


@pytest.fixture(scope="module")
def stack(engine):
    with running(Stack(engine)) as made:
        yield made


@pytest.fixture(scope="module")
def api(stack):
    return Api("http://127.0.0.1:9090")


def targets(api):
    return {job: health for job, (health, _) in api.targets().items() if job not in images.LEFT_OUT}


def test_every_target_is_up(api):
    jobs = {file.stem for file in (ROOT / "prometheus/targets/compose").glob("*.json")} - {*images.LEFT_OUT, *LABS, "class", "loads"}
    until(lambda: targets(api) == dict.fromkeys(jobs, "up"), 60, every=0.5)


def rows(query="select count(*) from fruits"):
    with psycopg2.connect("postgres://demo:demo@127.0.0.1:5432/demo") as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0]


def test_data_flows_from_request_to_row(api):
    before = rows()
    until(lambda: rows() > before + 20, 60, every=0.5)
    until(lambda: (api.value('sum(rate(hello_total{job="frontend"}[1m]))') or 0) > 0, 60, every=0.5)
    until(lambda: (api.value('sum(rate(worker_jobs_total{kind="fruit",result="stored"}[1m]))') or 0) > 0, 60, every=0.5)
    assert rows("select count(*) from dead_letter") == 0


def test_the_queue_has_series_of_its_own_and_a_consumer(api):
    until(lambda: api.value('rabbitmq_detailed_queue_consumers{queue="task_queue"}') == 1, 30, every=0.5)


def test_the_rules_are_loaded(api):
    groups = api._get("rules")["groups"]
    assert sum(len(group["rules"]) for group in groups) > 10
    assert all(rule["health"] != "err" for group in groups for rule in group["rules"])


def test_alerts_find_their_way_to_alertmanager(api):
    until(lambda: len(api._get("alertmanagers")["activeAlertmanagers"]) == 1, 30, every=0.5)


@each_program
def test_a_program_answers_for_its_own_health(stack, name):
    done = stack.inside(name, name, "--healthcheck")
    assert (done.returncode, done.stderr) == (0, "")
    done = stack.inside(name, name, "--healthcheck", environment=["LISTEN=0.0.0.0:5999"])
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1 and "5999" in done.stderr


@each_service
def test_the_memory_limit_is_in_force(stack, name):
    limit = composefile.bytes_of(stack.services[name]["mem_limit"])
    groups = Path(f"/proc/{stack.inspect(name, '.State.Pid')}/cgroup").read_text().splitlines()
    paths = [Path("/sys/fs/cgroup", *([where] if kind == "" else [kind, where])) for kind, where in
             ((line.split(":")[1], line.split(":")[2].lstrip("/")) for line in groups) if kind in ("", "memory")]
    found = [int(file.read_text()) for path in paths for file in (path / "memory.limit_in_bytes", path / "memory.max")
             if file.exists() and file.read_text().strip().isdigit()]
    assert found == [limit]


@each_program
def test_a_program_has_no_rights(stack, name):
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{stack.inspect(name, '.State.Pid')}/status").read_text()
                  .splitlines() if ":\t" in line)
    assert status["CapEff"] == status["CapBnd"] == "0" * 16 and status["NoNewPrivs"] == "1"
    assert status["Uid"].split() == ["65534"] * 4
    assert stack.inside(name, "touch", "/usr/local/bin/x").returncode != 0
    assert "Read-only file system" in stack.inside(name, "touch", "/var/x").stderr


@each_service
def test_logs_carry_the_name_and_rotate(stack, name):
    until(lambda: Path(stack.inspect(name, ".LogPath")).stat().st_size, 30)
    last = json.loads(Path(stack.inspect(name, ".LogPath")).read_text().splitlines()[-1])
    assert last["attrs"]["tag"] == stack.inspect(name, ".Name").lstrip("/") and name in last["attrs"]["tag"]
    assert last["attrs"]["com.docker.compose.service"] == name  # by which Alloy knows whose line it is
    assert json.loads(stack.inspect(name, "json .HostConfig.LogConfig.Config"))["max-size"] == "10m"


@each_program
def test_a_program_logs_a_json_object_a_line(stack, name):
    lines = stack.engine.docker("logs", stack.container(name)).stderr.splitlines()
    assert lines and all(json.loads(line)["service"] == name for line in lines)


def test_the_health_checks_leave_no_noise_in_the_brokers_log(stack):
    done = stack.engine.docker("logs", stack.container("rabbitmq"))
    assert "unexpectedly" not in done.stdout + done.stderr


def test_a_program_that_dies_is_started_again_and_loses_nothing(stack, api):
    pid = int(stack.inspect("backend", ".State.Pid"))
    os.kill(pid, signal.SIGKILL)
    until(lambda: int(stack.inspect("backend", ".State.Pid")) not in (0, pid), 20, every=0.2)
    until(lambda: stack.health("backend") == "healthy", 30, every=0.5)
    before = rows()
    until(lambda: rows() > before, 20, every=0.2)


@each_program
def test_a_program_stops_when_asked_and_starts_again(stack, name):
    stack.compose("stop", "-t", "8", name)
    assert stack.inspect(name, ".State.ExitCode") == "0"
    stack.compose("start", name)
    until(lambda: stack.health(name) == "healthy", 30, every=0.5)


def test_data_outlives_the_containers(stack):
    before = rows()
    stack.compose("stop", "-t", "10", "traffic", "frontend", "backend", "postgres")
    stack.compose("rm", "-f", "postgres")
    stack.compose("up", "-d", "--no-build", *stack.names)
    until(lambda: all(stack.health(name) == "healthy" for name in stack.names), 90, every=0.5)
    assert rows() >= before
