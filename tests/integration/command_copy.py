"""A copy of ./workshop in a directory of its own, deep and with a space in its name, where three tiny programs stand in
for the real ones. So tests tell what the command does, whatever the programs do. pytest's directories are closed to
other users, as /root is: PostgreSQL's user has to get in all the same.

    copy        the copy, with nothing started         up          the same with everything running
    first_up    how the first `up` in it went          no_engine   used by every test that imports it
"""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from workshop import free_offset, ports  # noqa: E402

PROGRAMS = ("frontend", "backend", "traffic")
SERVERS = ("postgres", "redis", "rabbitmq", "epmd", "prometheus", "alertmanager", "notifications", "node",
           "blackbox", "postgres-exporter", "redis-exporter", "board")

# Listens where LISTEN says; every page is 200 and holds one counter that grows.
STAND_IN = r"""
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "--help"))
        return puts("usage") < 0;
    signal(SIGPIPE, SIG_IGN); /* whoever asked may have stopped waiting */
    char *listen_at = getenv("LISTEN"), request[4096], answer[512];
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(atoi(strchr(listen_at, ':') + 1))};
    int yes = 1, server = socket(AF_INET, SOCK_STREAM, 0);
    at.sin_addr.s_addr = inet_addr("127.0.0.1");
    setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(server, (struct sockaddr *)&at, sizeof at) || listen(server, 16))
        return 1;
    printf("stand-in at %s\n", listen_at);
    fflush(stdout);
    for (int n = 0;; n++) {
        int peer = accept(server, 0, 0);
        if (read(peer, request, sizeof request) > 0) {
            int size = snprintf(answer, sizeof answer, "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n"
                                "# TYPE hello_total counter\nhello_total %d\n", n);
            write(peer, answer, size);
        }
        close(peer);
    }
}
"""
CMAKE = """cmake_minimum_required(VERSION 3.22)
project(stand_ins C)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
foreach(program frontend backend traffic)
  add_executable(${program} ${program}.c)
endforeach()
"""
PRESETS = {"version": 4, "configurePresets": [{"name": "release", "generator": "Ninja",
                                               "binaryDir": "${sourceDir}/build/${presetName}"}],
           "buildPresets": [{"name": "release", "configurePreset": "release"}]}


class Copy:
    """A copy of the command with stand-in programs, on ports of its own."""

    def __init__(self, root):
        self.root, self.offset = root, free_offset()
        self.state = root / f".workshop/offset-{self.offset}"
        shutil.copytree(ROOT / "tools", root / "tools", ignore=shutil.ignore_patterns("__pycache__"))
        for room in ("prometheus", "alertmanager", "board"):
            shutil.copytree(ROOT / room, root / room)
        shutil.copy(ROOT / "workshop", root / "workshop")
        shutil.copy(ROOT / "docker-compose.yml", root / "docker-compose.yml")
        for program in PROGRAMS:
            (root / f"{program}.c").write_text(STAND_IN)
        (root / "CMakeLists.txt").write_text(CMAKE)
        (root / "CMakePresets.json").write_text(json.dumps(PRESETS))

    def argv(self, command, *words):
        return [str(self.root / "workshop"), command, "--port-offset", str(self.offset), *words]

    def run(self, command, *words, **more):
        return subprocess.run(self.argv(command, *words), capture_output=True, text=True, timeout=180, **more)

    def begin(self, command, *words):
        return subprocess.Popen(self.argv(command, *words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                start_new_session=True)

    def pids(self):
        """Component → pid, from the state file."""
        try:
            return {name: c["pid"] for name, c in json.loads((self.state / "state.json").read_text())["components"].items()}
        except FileNotFoundError:
            return {}

    def leftovers(self):
        """Processes that work in this copy, and ports of it that are taken."""
        found = [port + self.offset for port in ports.PORTS.values() if not ports.is_free(port + self.offset)]
        for process in Path("/proc").glob("[0-9]*"):
            try:
                inside = (process / "cwd").resolve().is_relative_to(self.root)
                if inside or str(self.root).encode() in (process / "cmdline").read_bytes():
                    found.append((process / "cmdline").read_bytes())
            except OSError:
                continue
        return found


def until(what, seconds=10):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    deep = tmp_path_factory.mktemp("checkout") / "a deep directory with spaces in it" / ("x" * 80)
    deep.mkdir(parents=True)
    made = Copy(deep)
    yield made
    made.run("down")


@pytest.fixture(scope="module")
def first_up(copy):
    begin = time.monotonic()
    done = copy.run("up")
    done.seconds = time.monotonic() - begin
    return done


@pytest.fixture
def up(copy, first_up):
    """The copy with everything running, whatever the test before did to it."""
    alive = {name for name, pid in copy.pids().items() if Path(f"/proc/{pid}/exe").exists()}
    if not alive >= {*PROGRAMS, *SERVERS}:
        assert copy.run("up").returncode == 0
    return copy


@pytest.fixture(autouse=True, scope="module")
def no_engine():
    """These tests are of the native way, also on a machine where Docker runs; tests/compose has the other."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
        yield
