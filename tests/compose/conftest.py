"""What the tests of the containers can ask for. The short form only reads the files; the long one starts an engine.

    engine   a Docker engine with a network of its own, which knows all images but three (images.LEFT_OUT); the
             test runs inside that network

    Stack(engine) is docker-compose.yml as it stands; `with running(stack):` has it up and healthy in there.
"""

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests/integration"), str(ROOT / "tests/compose")]

import composefile  # noqa: E402
import images  # noqa: E402
from engine import Engine, refuse_hopeless  # noqa: E402
from until import until  # noqa: E402

CACHE = ROOT / ".workshop/cache/engine"  # what is built stays there for the next run

if os.environ.get("WORKSHOP_COMPOSE") != "long":
    collect_ignore = ["test_development.py", "test_docker_mode.py", "test_stack.py", "test_swarm.py"]


@pytest.fixture(scope="session")
def engine(tmp_path_factory):
    refuse_hopeless()
    with contextlib.ExitStack() as cleanup:
        CACHE.mkdir(parents=True, exist_ok=True)
        lock = cleanup.enter_context(open(CACHE.with_suffix(".lock"), "w"))
        fcntl.flock(lock, fcntl.LOCK_EX)
        with Engine(CACHE, network="machine") as builder:
            images.make_all(builder, tmp_path_factory.mktemp("images"))
        own = cleanup.enter_context(Engine(CACHE, network="own"))
        cleanup.enter_context(own.inside())
        yield own


class Stack:
    """docker-compose.yml under one engine. What has no image here is not asked for."""

    def __init__(self, engine, project="workshop", root=ROOT, files=("docker-compose.yml",)):
        self.engine, self.project, self.root, self.files = engine, project, root, files
        self.services = composefile.load()["services"]
        self.names = [name for name, service in self.services.items()
                      if name not in images.LEFT_OUT and "profiles" not in service]

    def compose(self, *words, check=True, **variables):
        if not shutil.which("docker-compose"):
            pytest.skip("there is no docker-compose (package docker-compose)")
        files = [word for file in self.files for word in ("-f", str(self.root / file))]
        done = subprocess.run(["docker-compose", *files, "-p", self.project, *words], cwd=self.root, capture_output=True, text=True,
                              env=self.engine.environment | variables)
        assert not check or done.returncode == 0, f"docker-compose {' '.join(words)}: {done.stderr[-3000:]}"
        return done

    def container(self, name):
        mine = (f"label=com.docker.compose.project={self.project}", f"label=com.docker.compose.service={name}")
        return self.engine.docker("ps", "-aq", "--filter", mine[0], "--filter", mine[1]).stdout.strip()

    def inspect(self, name, what):
        return self.engine.docker("inspect", "-f", f"{{{{{what}}}}}", self.container(name)).stdout.strip()

    def health(self, name):
        return self.inspect(name, ".State.Health.Status")

    def inside(self, name, *argv, environment=()):
        """Runs a command in the service's container."""
        settings = [word for setting in environment for word in ("-e", setting)]
        return self.engine.docker("exec", *settings, self.container(name), *argv, check=False)


@contextlib.contextmanager
def running(stack, names=None, seconds=120):
    """Up and healthy inside; gone with its data after that."""
    names = names or stack.names
    try:
        stack.compose("up", "-d", "--no-build", *names)
        until(lambda: all(stack.health(name) == "healthy" for name in names), seconds, every=0.5)
        yield stack
    finally:
        stack.compose("down", "-v", "-t", "10", "--remove-orphans", check=False)
