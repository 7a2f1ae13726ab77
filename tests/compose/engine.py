"""A Docker engine of the tests' own, away from the machine's: its data, its socket, and its network too.

    with Engine(data, network="machine") as engine: engine.docker("build", …)     to build with: it reaches the mirror
    with Engine(data, network="own") as engine: engine.docker("run", …)           to run with: ports, bridges and firewall
                                                                                 rules exist in a name space of its own
    with engine.inside(): …       in there, 127.0.0.1 is the engine's, for this thread and what it starts

The data directory outlives the engine, so a second run finds the images. Ended by its pid; what it started ends first.
"""

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

CLONE_NEWNET = 0x40000000
TOOLS = {"dockerd": "docker.io", "docker": "docker.io or docker-cli", "containerd": "containerd", "runc": "runc",
         "debootstrap": "debootstrap", "ip": "iproute2", "unshare": "util-linux", "iptables": "iptables"}
# What is tried, one after the other, until an engine answers: the kernel or the file system may lack something.
WAYS = ((), ("--storage-driver=vfs",), ("--iptables=false",), ("--iptables=false", "--storage-driver=vfs"))


def refuse_hopeless():
    """Skips with the name of what is missing, where no engine can be started."""
    if os.geteuid() != 0:
        pytest.skip("no Docker engine of our own: only root may start one")
    for tool, package in TOOLS.items():
        if not shutil.which(tool):
            pytest.skip(f"no Docker engine of our own: there is no {tool} (package {package})")


class Engine:
    def __init__(self, data, network):
        self.data, self.network = Path(data), network
        self.place = None
        self.process = None

    def __enter__(self):
        refuse_hopeless()
        self.data.mkdir(parents=True, exist_ok=True)
        self.place = Path(tempfile.mkdtemp(prefix="engine-"))  # short: a socket's path has 107 bytes at most
        words = [self._attempt(*way) for way in WAYS if not self.process]
        if not self.process:
            self._clear()
            pytest.skip("no Docker engine starts here: " + "; ".join(words))
        return self

    def __exit__(self, *exception):
        running = self.docker("ps", "-aq", check=False).stdout.split()
        self.docker("rm", "-f", "-v", *running, check=False) if running else None
        self.docker("network", "prune", "-f", check=False)  # or the next engine makes them anew, in whatever network it is
        self._end()
        self._clear()

    @property
    def host(self):
        return f"unix://{self.place}/sock"

    @property
    def environment(self):
        """For docker and docker-compose: this engine, the user's settings, the classic builder, which needs no plugin."""
        return os.environ | {"DOCKER_HOST": self.host, "DOCKER_BUILDKIT": "0", "COMPOSE_DOCKER_CLI_BUILD": "0"}

    def docker(self, *words, check=True, **more):
        done = subprocess.run(["docker", *map(str, words)], env=self.environment, capture_output=True, text=True, **more)
        assert not check or done.returncode == 0, f"docker {' '.join(map(str, words))}: {done.stderr[-3000:]}{done.stdout[-2000:]}"
        return done

    @contextlib.contextmanager
    def inside(self):
        if self.network != "own":
            yield
            return
        with open("/proc/self/ns/net") as outer, open(f"/proc/{self.process.pid}/ns/net") as inner:
            _enter(inner)
            try:
                yield
            finally:
                _enter(outer)

    def _attempt(self, *flags):
        """Starts it so; where it does not answer, what it said last."""
        argv = ["dockerd", "--data-root", self.data, "--exec-root", self.place / "exec", "--pidfile", self.place / "pid",
                "-H", self.host, "--bridge", "none", *flags]
        if self.network == "own":
            argv = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *argv]
        elif "--iptables=false" not in flags:
            argv += ["--iptables=false", "--ip-forward=false"]  # no word to the machine's firewall
        log = self.place / "log"
        with open(log, "w") as file:
            self.process = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", "--", *map(str, argv)], stdout=file,
                                            stderr=file, stdin=subprocess.DEVNULL, start_new_session=True)
        end = time.monotonic() + 60
        while self.process.poll() is None and time.monotonic() < end:
            if self.docker("version", check=False).returncode == 0:
                if not (refused := self._refused()):
                    return ""
                self._end()
                return refused
            time.sleep(0.2)
        self._end()
        return (log.read_text().splitlines() or ["it said nothing"])[-1][:300]

    def _refused(self):
        """What it says when it is to unpack an image, which needs more rights than to answer; "" where it can."""
        empty = subprocess.run(["tar", "-c", "-T", "/dev/null"], capture_output=True, check=True).stdout
        done = subprocess.run(["docker", "import", "-", "probe"], env=self.environment, input=empty, capture_output=True)
        self.docker("rmi", "probe", check=False)
        return done.stderr.decode().strip()[:300] if done.returncode else ""

    def _clear(self):
        """Its network's name space stays mounted there after the end."""
        for mount in self.place.glob("exec/netns/*"):
            subprocess.run(["umount", mount], capture_output=True)
        shutil.rmtree(self.place, ignore_errors=True)

    def _end(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None


def _enter(namespace):
    if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")
