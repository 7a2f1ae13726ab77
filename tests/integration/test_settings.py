"""The settings of all three programs: what --help lists is what they take; a bad value is named before anything starts."""

import json
import os
import pty
import re
import socket
import subprocess

import pytest

from program import BIN, SANITIZERS, free_port
from until import until

LISTEN = ("LISTEN", ["", "nonsense", "127.0.0.1", ":5000", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
                     "127.0.0.1:http", "[::1"])
FORMAT = ("LOG_FORMAT", "auto", ["xml", "JSON "])
RATE = ("LOG_RATE", "100", ["nonsense", "-1", "1.5", "1000001"])
LEVEL = ("LOG_LEVEL", "info", ["loud", "trace", "0"])
URLS = {
    "database-url": ("DATABASE_URL", "postgres://demo:demo@127.0.0.1:5432/demo",
                     ["nonsense", "http://x/", "postgres://a:b@127.0.0.1:99999/x", "mysql://a:b@c/d"]),
    "redis-url": ("REDIS_URL", "redis://127.0.0.1:6379/0", ["nonsense", "http://x/", "redis://127.0.0.1:6379/x", "redis://"]),
    "amqp-url": ("AMQP_URL", "amqp://guest:guest@127.0.0.1:5672/",
                 ["nonsense", "http://x/", "amqp://a:b@127.0.0.1:99999/", "amqps://a:b@c/"]),
}
WHOLE = ["nonsense", "1.5", "1e3", "0x10", " 1", "1 ", "99999999999999999999", "--"]
RANGE = ["nonsense", "-5", "5-", "500-100", "1.5", "100-500-900", "60001"]

# Name: (variable or None, default, bad values).
SETTINGS = {
    "frontend": URLS | {
        "listen": (LISTEN[0], "127.0.0.1:5000", LISTEN[1]),
        "queue-type": ("QUEUE_TYPE", "classic", ["stream", "Classic"]),
        "hello-delay": (None, "0", RANGE),
        "database-connections": (None, "2", WHOLE + ["0", "65"]),
        "publish-window": (None, "4096", WHOLE + ["0", "65537"]),
        "publish-deadline": (None, "2000", WHOLE + ["9", "60001"]),
        "redis-deadline": (None, "50", WHOLE + ["0", "10001"]),
        "log-format": FORMAT, "log-level": LEVEL, "log-rate": RATE,
    },
    "backend": URLS | {
        "listen": (LISTEN[0], "127.0.0.1:5001", LISTEN[1]),
        "queue-type": ("QUEUE_TYPE", "classic", ["stream", "Classic"]),
        "prefetch": (None, "2000", WHOLE + ["0", "65536"]),
        "workers": (None, "20", WHOLE + ["0", "10001"]),
        "job-delay": (None, "0", RANGE),
        "generators": (None, "1", WHOLE + ["-1", "1001"]),
        "retention": (None, "3600", WHOLE + ["0", "31536001"]),
        "database-connections": (None, "2", WHOLE + ["0", "65"]),
        "db-fault-ratio": (None, "0", ["nonsense", "1.1", "-0.1", "nan", "inf", "0x1"]),
        "log-format": FORMAT, "log-level": LEVEL, "log-rate": RATE,
    },
    "traffic": {
        "target": ("BASE_URL", "http://127.0.0.1:5000", ["nonsense", "https://x/", "http://", "http://x:99999/"]),
        "scenario": (None, None, ["", "/nowhere.json", "/dev"]),
        "speed": (None, "1", ["nonsense", "0", "-1", "1001", "2"]),
        "only": (None, "hello,fruit_get,fruit_post", ["nonsense", "hello,,hello"]),
        "users": (None, "10", WHOLE + ["0", "100001"]),
        "pause": (None, "100-500", RANGE[:-1] + ["3600001"]),
        "rate": (None, "0", ["nonsense", "-1", "nan", "0.0001"]),
        "arrivals": (None, "constant", ["random"]),
        "connections": (None, "1000", WHOLE + ["0"]),
        "max-in-flight": (None, "10000", WHOLE + ["0"]),
        "duration": (None, "0", ["nonsense", "-1", "inf"]),
        "requests": (None, "0", WHOLE + ["-1"]),
        "timeout": (None, "10", ["nonsense", "0", "-1"]),
        "seed": (None, "0", WHOLE + ["-1"]),
        "idempotency-keys": (None, None, ["maybe", "1"]),
        "log-ids": (None, None, [""]),
        "json": (None, None, [""]),
        "fail-above-error-ratio": (None, "1", ["nonsense", "1.1", "-0.1"]),
        "quiet": (None, None, ["maybe"]),
        "listen": (LISTEN[0], "127.0.0.1:5002", LISTEN[1]),
        "log-format": FORMAT, "log-level": LEVEL,
    },
}
PROGRAMS = sorted(SETTINGS)
BAD_FLAGS = [(program, name, value) for program, settings in SETTINGS.items()
             for name, (_, _, bad) in settings.items() for value in bad]
BAD_VARIABLES = [(program, name, variable, value) for program, settings in SETTINGS.items()
                 for name, (variable, _, bad) in settings.items() if variable for value in bad if value]


def call(program, *words, **environment):
    """Runs it to its end; none of these may start anything."""
    return subprocess.run([BIN / program, *words], env={"LISTEN": "127.0.0.1:0"} | SANITIZERS | environment,
                          capture_output=True, text=True, timeout=20)


def start(program, *words, log, **environment):
    """Lets it serve, with servers that are not there."""
    nowhere = {"DATABASE_URL": "postgres://demo:demo@127.0.0.1:1/demo", "REDIS_URL": "redis://127.0.0.1:1",
               "AMQP_URL": "amqp://127.0.0.1:1", "BASE_URL": "http://127.0.0.1:1"}
    return subprocess.Popen([BIN / program, *words], env=nowhere | SANITIZERS | environment, stdout=log, stderr=log)


@pytest.fixture
def serve(tmp_path):
    """serve(program, *words, **environment) → (process, log file); ended with SIGTERM, and judged by that."""
    started = []

    def begin(program, *words, **environment):
        path = tmp_path / f"{len(started)}.log"
        with open(path, "w") as log:
            started.append((start(program, *words, log=log, **environment), path))
        return started[-1]

    yield begin
    for process, path in started:
        if process.poll() is None:
            process.terminate()
        assert process.wait(8) == 0, path.read_text()


def answers(port):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


# Help and version

@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_lists_every_setting_and_nothing_else(program, flag):
    done = call(program, flag)
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.startswith(f"usage: {program}")
    listed = {}
    for line in done.stdout.splitlines():
        if found := re.match(r"  --([a-z-]+)\b.*?(?: \(default (.*?)\))?(?: \[\$(\w+)\])?$", line):
            listed[found[1]] = (found[3], found[2])
    for word in ("help", "version", "healthcheck"):
        assert listed.pop(word) == (None, None)
    assert listed == {name: (variable, default) for name, (variable, default, _) in SETTINGS[program].items()}


@pytest.mark.parametrize("program", PROGRAMS)
def test_version(program):
    done = call(program, "--version")
    assert done.returncode == 0 and re.fullmatch(program + r" \d+\.\d+\.\d+\n", done.stdout)


# Bad words

@pytest.mark.parametrize("program, name, value", BAD_FLAGS)
def test_a_bad_flag_is_named(program, name, value):
    done = call(program, f"--{name}={value}")
    assert done.returncode == 2, done.stderr
    assert f"--{name}" in done.stderr and done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("program, name, variable, value", BAD_VARIABLES)
def test_a_bad_variable_is_named(program, name, variable, value):
    done = call(program, **{variable: value})
    assert done.returncode == 2, done.stderr
    assert variable in done.stderr and done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("words, says", [
    (["--nonsense", "1"], "--nonsense"), (["--nonsense=1"], "--nonsense"), (["--listne", "127.0.0.1:0"], "--listen"),
    (["word"], '"word"'), (["--"], '"--"'), (["-x"], '"-x"'), (["--log-level"], "--log-level needs a value"),
    (["--log-level", "--log-format", "json"], "--log-level needs a value"), (["--version", "--nonsense"], None),
    (["--LISTEN", "127.0.0.1:0"], "--LISTEN"),
])
def test_words_that_are_no_setting(program, words, says):
    done = call(program, *words)
    assert done.returncode == (2 if says else 0), done.stderr
    assert says is None or says in done.stderr


@pytest.mark.parametrize("program", ["frontend", "backend"])
@pytest.mark.parametrize("name", ["database-url", "redis-url", "amqp-url"])
def test_a_password_is_not_told(program, name):
    done = call(program, f"--{name}=nonsense://someone:topsecret@host:99999/x")
    assert done.returncode == 2 and "topsecret" not in done.stderr + done.stdout


# Who wins

@pytest.mark.parametrize("program", PROGRAMS)
def test_flag_over_variable_over_default(serve, program):
    flag, variable = free_port(), free_port()
    serve(program, "--listen", f"127.0.0.1:{flag}", LISTEN=f"127.0.0.1:{variable}")
    until(lambda: answers(flag))
    assert not answers(variable)
    serve(program, LISTEN=f"127.0.0.1:{variable}")
    until(lambda: answers(variable))


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_bad_variable_does_not_matter_under_a_flag(program):
    assert call(program, "--log-level=info", "--nonsense", LOG_LEVEL="loud").stderr.count("LOG_LEVEL") == 0
    assert "--log-format" in call(program, "--log-level=info", "--log-format=xml", LOG_LEVEL="loud").stderr


@pytest.mark.parametrize("program", PROGRAMS)
def test_an_empty_variable_counts_as_unset(serve, program):
    port = free_port()
    serve(program, LISTEN=f"127.0.0.1:{port}", LOG_LEVEL="", LOG_FORMAT="")
    until(lambda: answers(port))


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_last_of_two_flags_holds(serve, program):
    first, second = free_port(), free_port()
    serve(program, "--listen", f"127.0.0.1:{first}", f"--listen=127.0.0.1:{second}")
    until(lambda: answers(second))
    assert not answers(first)


# Listening

@pytest.mark.parametrize("program", PROGRAMS)
def test_a_taken_port_is_named(program):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = call(program, "--listen", f"127.0.0.1:{port}", "--log-level", "error")
        assert done.returncode == 1
        assert str(port) in done.stderr and "in use" in done.stderr


@pytest.mark.parametrize("program", PROGRAMS)
def test_an_address_that_is_not_ours(program):
    done = call(program, "--listen", "192.0.2.1:8080", "--log-level", "error")
    assert done.returncode == 1 and "192.0.2.1:8080" in done.stderr


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("host, ask", [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("localhost", "localhost"),
                                       ("[::1]", "::1"), ("[::]", "::1")])
def test_hosts(serve, program, host, ask):
    if ":" in ask and not os.path.exists("/proc/net/if_inet6"):
        pytest.skip("this machine has no IPv6")
    port = free_port()
    serve(program, "--listen", f"{host}:{port}")
    until(lambda: not socket.socket(socket.AF_INET6 if ":" in ask else socket.AF_INET).connect_ex((ask, port)))
    assert call(program, "--healthcheck", "--listen", f"{host}:{port}").returncode == 0


# --healthcheck

@pytest.mark.parametrize("program", PROGRAMS)
def test_healthcheck(serve, program):
    port = free_port()
    at = ["--listen", f"127.0.0.1:{port}"]
    before = call(program, *at, "--healthcheck")
    assert before.returncode == 1 and str(port) in before.stderr
    serve(program, *at)
    until(lambda: answers(port))
    assert call(program, *at, "--healthcheck").returncode == 0
    assert call(program, "--healthcheck", LISTEN=at[1]).returncode == 0


@pytest.mark.parametrize("said, status", [
    (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 0),
    (b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", 1), (b"nonsense\r\n", 1), (b"", 1),
])
def test_healthcheck_of_something_else(said, status):
    with socket.create_server(("127.0.0.1", 0)) as server:
        at = f"127.0.0.1:{server.getsockname()[1]}"
        checking = subprocess.Popen([BIN / "frontend", "--healthcheck", "--listen", at], env=SANITIZERS,
                                    stderr=subprocess.PIPE)
        peer = server.accept()[0]
        peer.recv(1000)
        peer.sendall(said)
        peer.close()
        told = checking.communicate(timeout=5)[1]
        assert checking.returncode == status and bool(told) == bool(status)


def test_healthcheck_of_something_that_hangs():
    with socket.create_server(("127.0.0.1", 0)) as server:
        done = call("frontend", "--healthcheck", "--listen", f"127.0.0.1:{server.getsockname()[1]}")
        assert done.returncode == 1 and done.stderr


# The log

@pytest.mark.parametrize("words", [["--log-format", "json"], []], ids=["asked for", "into a file"])
@pytest.mark.parametrize("program", PROGRAMS)
def test_log_as_json(serve, program, words):
    port = free_port()
    _, log = serve(program, *words, "--log-level", "debug", LISTEN=f"127.0.0.1:{port}")
    until(lambda: answers(port) and log.read_text().count("\n") >= 1)
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    assert {line["service"] for line in lines} == {program}
    assert {line["level"] for line in lines} <= {"debug", "info", "warn", "error"}
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", line["time"]) for line in lines)


@pytest.mark.parametrize("program", PROGRAMS)
def test_log_as_text_on_a_terminal(program):
    ours, theirs = pty.openpty()
    process = subprocess.Popen([BIN / program, "--listen", "127.0.0.1:0", "--log-level", "debug"], env=SANITIZERS,
                               stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    said = b""
    while b"\n" not in said.replace(b"\r\x1b[K", b""):
        said += os.read(ours, 4096)
    process.terminate()
    process.wait(10)
    os.close(ours)
    assert re.search(rb"\d\d:\d\d:\d\d\.\d{3} \w+ +%s  " % program.encode(), said)


@pytest.mark.parametrize("program", ["frontend", "backend"])
def test_log_level(serve, program):
    port = free_port()
    _, log = serve(program, "--log-level", "error", LISTEN=f"127.0.0.1:{port}")
    until(lambda: answers(port))
    assert log.read_text() == ""
