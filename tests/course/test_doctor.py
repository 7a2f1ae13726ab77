"""`./workshop doctor` on a computer that lacks something: a pretended one for what cannot be taken away here."""

import os
import socket
import stat
import subprocess
import time
from pathlib import Path

import pytest

from copy_of_tree import ROOT
from workshop import doctor, free_offset, ports
from workshop.doctor import BAD, GOOD, GB, NOTE


class Ready:
    """A computer that has everything; a test takes something away."""

    root, port_offset, user = Path("/home/ada/workshop"), 0, "ada"
    name, native, windows_drive = "Debian GNU/Linux 12", True, False
    processor, processors, memory, disk_free = "x86_64", 4, 8 * GB, 50 * GB
    may_install, mirror, charts_cached, running = True, "http://deb.debian.org/debian/", True, False
    missing, images, docker, net, taken, copies, owner, lacks = (), (), "there is no program `docker`", None, (), (), None, ()

    def __init__(self, **lack):
        vars(self).update(lack)

    def command(self, word):
        return f"./workshop {word}"

    def which(self, name):
        return None if name in self.lacks else f"/usr/bin/{name}"

    def foreign_state(self):
        return self.owner

    def missing_packages(self):
        assert self.native, "asked of a system without Debian's packages"
        return self.missing

    def unreachable(self, url):
        return self.net

    def docker_problem(self):
        return self.docker

    def missing_images(self):
        return self.images

    def running_copies(self):
        return self.copies

    def taken_ports(self):
        return self.taken

    def free_offset(self):
        return 1000


def told(**lack):
    return doctor.examine(Ready(**lack))


def test_a_ready_computer_has_nothing_to_do(capsys):
    assert {level for level, _, _ in told()} == {GOOD}
    assert doctor.doctor(Ready()) == 0
    assert "ready: ./workshop up" in capsys.readouterr().out


LACKS = {
    "another Linux": (dict(native=False, name="Fedora Linux 41"), BAD, "Fedora Linux 41 has no packages", "install Docker"),
    "macOS with Docker": (dict(native=False, name="Darwin 24", docker=None), GOOD, "in containers", ""),
    "no images": (dict(native=False, docker=None, images=("redis:7",)), NOTE, "1 images are not here yet, such as redis:7", "--docker"),
    "an ARM processor": (dict(processor="aarch64"), NOTE, "aarch64", ""),
    "a Windows drive": (dict(windows_drive=True), NOTE, "Windows drive", "home directory"),
    "one processor": (dict(processors=1), NOTE, "one processor", "give it two"),
    "little memory": (dict(memory=0.8 * GB), NOTE, "0.8 GB of memory", "close"),
    "no memory": (dict(memory=0.3 * GB), BAD, "0.3 GB of memory", "close"),
    "a full disk": (dict(disk_free=0.2 * GB), BAD, "0.2 GB are free", "delete"),
    "a disk too full to install": (dict(disk_free=2 * GB, missing=("gcc",)), BAD, "3 GB are wanted", "delete"),
    "no git": (dict(lacks=("git",)), BAD, "there is no git", "apt-get install git"),
    "no git, which comes with the packages": (dict(lacks=("git",), missing=("git",)), NOTE, "1 packages are missing: git", ""),
    "no packages": (dict(missing=("gcc", "prometheus")), NOTE, "2 packages are missing: gcc, prometheus", "before the class"),
    "no packages and no network": (dict(missing=("gcc",), net="timed out"), BAD, "cannot be reached: timed out", "docs/instructor.md"),
    "no packages and no right": (dict(missing=("gcc",), may_install=False), BAD, "neither root nor is there sudo", "as root"),
    "no charts": (dict(charts_cached=False), NOTE, "uPlot", "fetches it once"),
    "a taken port": (dict(taken=(("redis", 6379, "redis-server (pid 7)"),)), BAD, "port 6379 (redis) is taken by redis-server (pid 7)", ""),
    "a way round it": (dict(taken=(("redis", 6379, "redis-server (pid 7)"),)), NOTE, "free from 1000 on", "--port-offset 1000"),
    "AirPlay": (dict(taken=(("frontend", 5000, "AirPlay, the receiver of macOS"),)), BAD, "AirPlay", "switch AirPlay Receiver off"),
    "another user's state": (dict(owner="root"), BAD, "belongs to root", "chown -R ada"),
    "another copy": (dict(copies=(3000,)), NOTE, "another copy runs with --port-offset 3000", "./workshop down --port-offset 3000"),
}


@pytest.mark.parametrize("lack, level, what, todo", LACKS.values(), ids=LACKS)
def test_each_lack_is_told_with_what_to_do(lack, level, what, todo):
    assert any(found.level == level and what in found.what and todo in found.todo for found in told(**lack)), told(**lack)


def test_a_probe_that_fails_or_hangs_hides_no_other(monkeypatch):
    def hangs(machine):
        time.sleep(5)
        yield None

    def fails(machine):
        yield 1 / 0

    monkeypatch.setattr(doctor, "PROBES", (hangs, fails, doctor.processors, doctor.disk))
    begin, found = time.monotonic(), doctor.examine(Ready(), limit=0.3)
    assert time.monotonic() - begin < 3
    assert [(level, what.split(" within")[0]) for level, what, _ in found] == [
        (NOTE, "no answer about hangs"), (NOTE, "could not look at fails: ZeroDivisionError: division by zero"),
        (GOOD, "50.0 GB are free on the disk")]


def test_macos_has_its_own_words_for_a_taken_port(monkeypatch):
    monkeypatch.setattr(ports.platform, "system", lambda: "Darwin")
    assert ports.holder(5000) == "AirPlay, the receiver of macOS"
    assert "lsof -nP -iTCP:6379" in ports.holder(6379)


def run(*words, path=None):
    begin = time.monotonic()
    done = subprocess.run([ROOT / "workshop", "doctor", *words], capture_output=True, text=True, timeout=30,
                          env=os.environ | ({"PATH": path} if path else {}))
    assert time.monotonic() - begin < 15  # ten, and what a busy machine takes
    return done.returncode, done.stdout + done.stderr


def test_a_port_that_is_really_taken():
    offset = free_offset()
    with socket.socket() as other:
        other.bind((ports.HOST, 6379 + offset))
        other.listen()
        status, said = run("--port-offset", str(offset))
    assert status == 1 and f"port {6379 + offset} (redis) is taken by " in said and f"(pid {os.getpid()})" in said, said
    assert "not ready: 1 thing to put right first" in said


def test_a_program_that_is_really_missing(tmp_path):
    for name in ("sh", "dirname", "readlink", "python3", "dpkg-query", "curl"):
        (tmp_path / name).symlink_to(f"/usr/bin/{name}")
    status, said = run("--port-offset", str(free_offset()), path=str(tmp_path))
    assert status == 1 and "there is no git" in said, said


def test_a_docker_that_hangs_is_not_waited_for(tmp_path):
    hanging = tmp_path / "docker"
    hanging.write_text("#!/bin/sh\nexec sleep 20\n")
    hanging.chmod(hanging.stat().st_mode | stat.S_IXUSR)
    status, said = run("--port-offset", str(free_offset()), path=f"{tmp_path}:{os.environ['PATH']}")
    assert status == 0 and "about containers" in said and "ready: ./workshop up" in said, said
