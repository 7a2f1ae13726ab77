"""./workshop seen from outside: what it prints, what it starts and what it leaves behind, in a copy of it
(command_copy.py)."""

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
from command_copy import PROGRAMS, ROOT, SERVERS, STAND_IN, Copy, copy, first_up, no_engine, until, up  # noqa: F401

from workshop import free_offset, ports  # noqa: E402
from workshop.process import Process  # noqa: E402
from workshop.prometheus import Api  # noqa: E402

# The words of the command line.

@pytest.mark.parametrize("words, says", [
    (["up", "--nonsense"], "--nonsense"),
    (["nonsense"], "nonsense"),
    ([], "COMMAND"),
    (["up", "--port-offset", "-1"], "'-1' is no number"),
    (["up", "--port-offset", "99999"], "'99999' is no number"),
    (["run", "nonsense"], "nonsense"),
    (["test", "nonsense"], "nonsense"),
])
def test_a_wrong_word_is_named_and_exits_2(words, says):
    done = subprocess.run([ROOT / "workshop", *words], capture_output=True, text=True)
    assert done.returncode == 2
    assert says in done.stderr and "--help" in done.stderr and "Traceback" not in done.stderr


def test_docker_without_an_engine_is_one_clear_error(copy):
    done = copy.run("up", "--docker")
    assert done.returncode == 1 and done.stderr.startswith("workshop: no Docker engine") and "--native" in done.stderr


def test_native_and_docker_exclude_each_other(copy):
    done = copy.run("up", "--docker", "--native")
    assert done.returncode == 2 and "--native and --docker exclude each other" in done.stderr


@pytest.mark.parametrize("words, says", [
    (["help"], "COMMAND"),
    (["help", "up"], "--stack-only"),
    (["run", "--help"], "frontend|backend|traffic [OPTIONS OF THE PROGRAM]"),
])
def test_help(words, says):
    done = subprocess.run([ROOT / "workshop", *words], capture_output=True, text=True)
    assert done.returncode == 0 and says in done.stdout


def test_the_offset_may_stand_before_the_command(copy):
    done = subprocess.run([copy.root / "workshop", "--port-offset", str(copy.offset), "status"], capture_output=True, text=True)
    assert str(5000 + copy.offset) in done.stdout


def test_an_offset_behind_the_programs_name_is_refused(copy):
    done = subprocess.run([copy.root / "workshop", "run", "backend", "--port-offset", "7"], capture_output=True, text=True)
    assert done.returncode == 2 and "run --port-offset N backend" in done.stderr


def test_a_reader_who_leaves_early_is_no_error():
    done = subprocess.run(f"'{ROOT}/workshop' status | head -c 1; '{ROOT}/workshop' --help | true", shell=True,
                          capture_output=True, text=True)
    assert done.stderr == ""


def test_help_lists_only_what_exists():
    text = subprocess.run([ROOT / "workshop", "--help"], capture_output=True, text=True).stdout
    assert re.findall(r"^    (\w+)  ", text, re.M) == ["up", "run", "lab", "status", "logs", "down", "reset", "doctor",
                                                        "rules", "start", "exercise", "check", "hint", "solve",
                                                        "watch", "share", "class", "gameday", "test", "bench"]


# A life: up, again, changed, broken, down.

def test_up_ends_when_data_flows(copy, first_up):
    assert first_up.returncode == 0, first_up.stdout + first_up.stderr
    assert "natively, from Debian's packages: no Docker engine" in first_up.stdout
    api = Api(f"http://127.0.0.1:{9090 + copy.offset}")
    assert {health for health, _ in api.targets().values()} == {"up"}
    assert set(api.targets()) >= {*PROGRAMS, "rabbitmq", "node", "postgres", "redis", "blackbox", "prometheus",
                                  "alertmanager"}
    assert api.value("rate(hello_total{job='frontend'}[1m])") > 0
    assert api.value("probe_success") == 1


def test_up_takes_under_a_minute_on_a_busy_machine(first_up):
    assert first_up.seconds < 60


def test_up_prints_addresses_that_answer(first_up):
    import requests
    for url in re.findall(r"http://\S+?(?=[\s)])", first_up.stdout):
        assert requests.get(url, timeout=5).status_code == 200, url


def test_servers_answer_with_the_documented_names(up):
    import pika
    import psycopg2
    import redis
    with psycopg2.connect(host="127.0.0.1", port=5432 + up.offset, user="demo", password="demo", dbname="demo") as db:
        with db.cursor() as cursor:
            cursor.execute("show fsync")
            assert cursor.fetchone() == ("on",)
    assert redis.Redis(port=6379 + up.offset).ping()
    pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", 5672 + up.offset)).close()


def test_everything_listens_on_loopback_alone(up):
    sockets = {os.readlink(fd) for pid in up.pids().values() for fd in Path(f"/proc/{pid}/fd").iterdir()
               if fd.is_symlink()}
    rows = [line.split() for table in ("tcp", "tcp6") for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]]
    ours = [row[1].split(":")[0] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in sockets]
    # 127.0.0.1, the same as an IPv6 address, and ::1, as the kernel writes them. RabbitMQ alone has four.
    assert len(ours) > 12 and set(ours) <= {"0100007F", "0000000000000000FFFF00000100007F",
                                            "00000000000000000000000001000000"}


def test_status_has_one_line_a_component(up):
    done = up.run("status")
    rows = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines()}
    assert done.returncode == 0
    assert set(rows) == {*PROGRAMS, *SERVERS, "logkeeper"}
    for name, (state, pid, port) in rows.items():
        assert state == "running" and int(pid) == up.pids()[name], name
        assert port == "-" or not ports.is_free(int(port))


def test_up_again_changes_nothing_and_says_so(up):
    before = up.pids()
    done = up.run("up")
    assert done.returncode == 0 and "runs already" in done.stdout
    assert up.pids() == before


def test_up_starts_what_died(up):
    before = up.pids()
    os.kill(before["redis"], signal.SIGKILL)
    until(lambda: "died" in up.run("status").stdout)
    assert up.run("status").returncode == 1
    assert up.run("up").returncode == 0
    after = up.pids()
    assert after.pop("redis") != before.pop("redis")
    assert after == before


def test_up_restarts_a_program_whose_source_changed(up):
    before = up.pids()
    (up.root / "backend.c").write_text(STAND_IN.replace("stand-in at", "changed, at"))
    done = up.run("up")
    assert done.returncode == 0 and "restarting what was rebuilt: backend" in done.stdout
    assert "changed, at" in up.run("logs", "backend").stdout
    after = up.pids()
    assert after.pop("backend") != before.pop("backend")
    assert after == before


def test_a_running_prometheus_takes_over_changed_rules(up):
    rules = up.root / "prometheus/rules/classroom/alerts.yml"
    good = rules.read_text()
    api = Api(f"http://127.0.0.1:{9090 + up.offset}")
    rules.write_text(good.replace("alert: Watchdog", "alert: Renamed"))
    done = up.run("up")
    assert done.returncode == 0 and "Prometheus (alerts: classroom) reads its changed configuration" in done.stdout
    until(lambda: api.value('ALERTS{alertname="Renamed"}'), 15)
    rules.write_text(good.replace("vector(1)", "vector(1"))
    done = up.run("up")
    rules.write_text(good)
    assert done.returncode == 1 and 'rules/alerts.yml: ' in done.stderr and '"Watchdog"' in done.stderr
    assert api.value('ALERTS{alertname="Renamed"}')  # what was good goes on
    assert up.run("up", "--alerts", "production").returncode == 0
    until(lambda: "slo_long" in {group["name"] for group in api._get("rules")["groups"]}, 15)
    assert up.run("up").returncode == 0


def test_a_broken_source_is_shown_and_disturbs_nothing(up):
    before, good = up.pids(), (up.root / "frontend.c").read_text()
    (up.root / "frontend.c").write_text("int main(void) { return nonsense; }\n")
    done = up.run("up")
    (up.root / "frontend.c").write_text(good)
    assert done.returncode == 1 and "undeclared" in done.stderr
    assert up.pids() == before


def test_a_program_that_dies_after_its_start_ends_up_at_once(up):
    good = (up.root / "frontend.c").read_text()
    (up.root / "frontend.c").write_text(STAND_IN.replace("int size", 'if (strstr(request, "/metrics")) abort();\nint size'))
    begin = time.monotonic()
    done = up.run("up")
    seconds = time.monotonic() - begin
    (up.root / "frontend.c").write_text(good)
    assert done.returncode == 1 and "everything runs" not in done.stdout
    assert re.search(r"frontend died \(SIGABRT\):\n    stand-in at \S+\n  →", done.stderr)  # of this start alone
    assert f"logs --port-offset {up.offset} frontend" in done.stderr and seconds < 40


def test_other_copies_are_named(up):
    words = [str(up.root / "workshop"), "status"]
    for command in (words, [words[0], "logs"], [words[0], "down"]):
        done = subprocess.run(command, capture_output=True, text=True)
        assert f"a copy runs with --port-offset {up.offset}" in done.stdout
    assert "a copy runs" not in up.run("status").stdout


def test_a_second_traffic_has_its_metrics_on_another_port(up):
    process = up.begin("run", "traffic", "--rate", "5")
    until(lambda: not ports.is_free(5012 + up.offset), 30)
    os.killpg(process.pid, signal.SIGINT)
    text = process.communicate(timeout=10)[0]
    assert f"taken by traffic (pid {up.pids()['traffic']}); this one has its /metrics on port {5012 + up.offset}" in text


@pytest.mark.parametrize("program", ["frontend", "traffic"])
def test_the_help_of_a_running_program(up, program):
    done = up.run("run", program, "--help")
    assert done.returncode == 0 and done.stdout == "usage\n" and done.stderr == ""


def test_stack_only_beside_programs_lists_them_and_advises_down(up):
    done = up.run("up", "--stack-only")
    assert done.returncode == 0
    assert f"127.0.0.1:{5001 + up.offset}/metrics" in done.stdout and f"down --port-offset {up.offset}" in done.stdout
    assert "starting the servers" not in done.stdout


def test_run_says_that_the_program_runs_already(up):
    done = up.run("run", "frontend")
    assert done.returncode == 1
    assert "runs already" in done.stderr and str(up.pids()["frontend"]) in done.stderr


def test_a_taken_port_is_named_with_its_holder(up, tmp_path):
    other = Copy(tmp_path)
    other.offset = up.offset
    done = other.run("up", "--stack-only")
    assert done.returncode == 1
    assert f"port {6379 + up.offset} (redis) is taken by redis-server (pid {up.pids()['redis']})" in done.stderr
    assert re.search(r"--port-offset \d+", done.stderr)
    assert other.pids() == {}


def test_two_commands_do_not_race(up):
    first, second = up.begin("up"), up.begin("up")
    texts = [first.communicate(timeout=120)[0], second.communicate(timeout=120)[0]]
    assert first.returncode == second.returncode == 0
    assert all("runs already" in text for text in texts)


def test_logs(up):
    assert "ready to accept connections" in up.run("logs", "postgres").stdout
    everything = up.run("logs").stdout
    assert all(f"{name}.log <==" in everything for name in ("frontend", "rabbitmq", "prometheus"))
    wrong = up.run("logs", "nonsense")
    assert wrong.returncode == 1 and "rabbitmq" in wrong.stderr


def test_a_text_that_no_log_has_is_said_to_be_in_none(up):
    assert "ready to accept" in up.run("logs", "postgres", "--grep", "ready to accept").stdout
    done = up.run("logs", "postgres", "--grep", "no such words")
    assert done.returncode == 1 and done.stdout == ""
    assert "no line with 'no such words' in the logs of postgres" in done.stderr and "./workshop run" in done.stderr


def test_down_leaves_nothing(up):
    postgres = [child.pid for child in Process(up.pids()["postgres"], 0).descendants()]
    assert postgres
    done = up.run("down")
    assert done.returncode == 0 and "stopped" in done.stdout
    assert up.leftovers() == [] and up.pids() == {}
    assert not any(Path(f"/proc/{pid}").exists() for pid in postgres)
    assert "nothing runs" in up.run("down").stdout
    assert up.run("status").returncode == 1


# Interruptions.

@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_up_leaves_nothing(copy, number):
    copy.run("down")
    process = copy.begin("up")
    until(lambda: {"rabbitmq", "postgres", "prometheus"} <= set(copy.pids()), 60)
    os.killpg(process.pid, number)
    time.sleep(0.3)
    os.killpg(process.pid, number)  # the second one, of an impatient user
    text = process.communicate(timeout=60)[0]
    assert process.returncode == 130 and "interrupted" in text and "Traceback" not in text
    assert copy.leftovers() == [] and copy.pids() == {}


def test_an_interrupted_second_up_leaves_the_first_alone(copy):
    assert copy.run("up", "--stack-only").returncode == 0
    before = copy.pids()
    (copy.root / "traffic.c").write_text("int main(void) { for (;;) ; }\n")  # never ready
    process = copy.begin("up")
    until(lambda: "traffic" in copy.pids(), 60)
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    (copy.root / "traffic.c").write_text(STAND_IN)
    assert process.returncode == 130 and copy.pids() == before


def test_a_program_that_ends_at_once_is_reported(copy):
    before = copy.pids()
    (copy.root / "backend.c").write_text('#include <stdio.h>\nint main(void) { puts("no such luck"); return 3; }\n')
    done = copy.run("up")
    (copy.root / "backend.c").write_text(STAND_IN)
    assert done.returncode == 1
    assert "backend ended while it started (exit status 3):\n    no such luck\n" in done.stderr
    assert copy.pids() == before


def test_run_is_the_program_in_the_foreground(copy):
    if set(PROGRAMS) & set(copy.pids()):
        copy.run("down")
    assert copy.run("up", "--stack-only").returncode == 0
    process = copy.begin("run", "frontend", "--some-option", "1")
    until(lambda: not ports.is_free(5000 + copy.offset), 30)
    copied, status = copy.run("up"), copy.run("status").stdout
    os.killpg(process.pid, signal.SIGINT)
    text = process.communicate(timeout=10)[0]
    assert process.returncode == -signal.SIGINT
    assert "--hello-delay 100-500 --some-option 1" in text and f"stand-in at 127.0.0.1:{5000 + copy.offset}" in text
    assert copied.returncode == 1 and "building" not in copied.stdout
    assert f"is taken by frontend (pid {process.pid}): you run it in a terminal" in copied.stderr
    assert re.search(rf"^frontend +in a terminal +{process.pid} ", status, re.M)


def test_no_traffic(copy):
    done = copy.run("up", "--no-traffic")
    assert done.returncode == 0, done.stderr
    assert {"frontend", "backend"} <= set(copy.pids()) and "traffic" not in copy.pids()


def test_reset_deletes_the_data(copy):
    done = copy.run("reset")
    assert done.returncode == 0 and not copy.state.exists()
    assert copy.leftovers() == []


def test_a_recycled_pid_is_not_killed(copy):
    bystander = subprocess.Popen(["sleep", "60"])
    try:
        copy.state.mkdir(parents=True)
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        record = {"pid": bystander.pid, "start": 1, "port": 1}
        (copy.state / "state.json").write_text(json.dumps({"boot": boot, "components": {"redis": record}}))
        assert copy.run("down").returncode == 0
        assert bystander.poll() is None and copy.pids() == {}
    finally:
        bystander.kill()
        bystander.wait()


# The real thing.

def test_the_real_programs_move_all_four_types_and_store_rows():
    import psycopg2
    real = [ROOT / "workshop"]
    offset = free_offset()
    words = ["--port-offset", str(offset)]
    try:
        done = subprocess.run([*real, "up", *words], capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        api = Api(f"http://127.0.0.1:{9090 + offset}")
        for name, kind in (("hello_total", "counter"), ("all_fruits", "gauge"), ("http_latency", "histogram"),
                           ("worker_job_duration_seconds", "summary")):
            assert api.kind(name) == kind
        until(lambda: (api.value("sum(rate(http_latency_count[1m]))") or 0) > 0, 15)
        until(lambda: (api.value("sum(rate(worker_job_duration_seconds_count[1m]))") or 0) > 0, 15)
        until(lambda: (api.value("all_fruits") or 0) > 0, 15)
        with psycopg2.connect(f"postgres://demo:demo@127.0.0.1:{5432 + offset}/demo") as db, db.cursor() as cursor:
            cursor.execute("select count(*) from fruits")
            assert cursor.fetchone()[0] > 0
    finally:
        subprocess.run([*real, "reset", *words], capture_output=True, timeout=120)
    assert not any(not ports.is_free(port + offset) for port in ports.PORTS.values())
