"""The workshop in containers: docker-compose.yml under whatever engine and compose are there. up, status, logs, down.

    docker = Docker(root, port_offset)
    docker.refusal()     why it cannot be used here, as a Failure; None where it can
    docker.runs          whether this copy was started so; a mark in the state directory says it, until `down`

The few things needed from docker-compose.yml (services, images, published ports) are read line by line, since the
standard library has no YAML; tests/compose checks that the file is written so.
"""

import os
import re
import shutil
import subprocess
import time
from types import SimpleNamespace

from . import ports
from .onshow import mounts
from .programs import NAMES
from .prometheus import Api
from .stack import option, state_dir
from .ui import Failure, LiveLine, put_back_undisturbed, say, step
from .up import what_is_missing

HEALTHY_TIMEOUT = 180  # seconds until every container must be healthy, and data flow
LOG_PROFILE = ("loki", "alloy")  # scraped, but there with the profile `logs` alone
BASE = "debian:trixie-slim"      # what the Dockerfile begins with

SERVICE = re.compile(r"^  ([\w-]+):")
PORT = re.compile(r"\$\{(\w+)_PORT:-(\d+)\}")


def services(root):
    """name → {image, ours, profile, ports: {name: port}} of docker-compose.yml."""
    found, current, ours = {}, None, ""
    text = (root / "docker-compose.yml").read_text()
    if base := re.search(r"^x-program:.*?^  image: (\S+)", text, re.M | re.S):
        ours = base[1]
    for line in text[text.index("\nservices:"):text.index("\nnetworks:")].splitlines():
        if name := SERVICE.match(line):
            current = found[name[1]] = {"image": ours, "ours": True, "profile": "", "ports": {}}
        if current and line.startswith("    image: "):
            current.update(image=line.split()[1], ours=False)
        if current and line.startswith("    build: "):
            current["ours"] = True
        if current and line.startswith("    profiles: "):
            current["profile"] = line.split("[")[1].rstrip("]")
        if current:
            current["ports"] |= {name.lower().replace("_", "-"): int(port) for name, port in PORT.findall(line)}
    return found


class Docker:
    def __init__(self, root, port_offset=0):
        self.root, self.port_offset, self.mounts = root, port_offset, {}
        self.mark = state_dir(root, port_offset) / "docker"
        found = services(root)
        self.services = {name: service for name, service in found.items() if not service["profile"]}
        self.labs = {name: service for name, service in found.items() if service["profile"] == "labs"}
        self.with_labs = False  # whether this command starts them
        plain = re.sub(r"[^-_a-z0-9]", "", root.name.lower()) or "workshop"  # as compose itself names a project
        self.project = f"{plain}-{port_offset}" if port_offset else plain

    @property
    def runs(self):
        return self.mark.exists()

    @property
    def option(self):
        return option(self.port_offset)

    # What is there to start with.

    def refusal(self):
        if not shutil.which("docker"):
            return Failure("no Docker engine: there is no program `docker`", "install Docker, or ./workshop up --native")
        asked = self._docker("version", "--format", "{{.Server.Version}}", timeout=10)
        if asked.returncode:
            return Failure(f"no Docker engine answers: {_last_line(asked.stderr)}", "start Docker, or ./workshop up --native")
        self.version = asked.stdout.strip()
        if not self._compose_command():
            return Failure("there is a Docker engine, but neither `docker compose` nor `docker-compose`",
                           "install one of them, or ./workshop up --native")
        return None

    def missing_image(self, wanted=None):
        """Gets what is not here; the Failure that names the first that cannot be had, or None."""
        known = self.services | self.labs
        images = {known[name]["image"]: known[name]["ours"] for name in wanted or self.services}
        ours = [image for image, built in images.items() if built]
        others = [image for image, built in images.items() if not built]
        if any(not self._has(image) for image in ours):
            others.append(BASE)
        for image in others:
            if problem := self._get(image):
                return Failure(f"the image {image} is not here, and cannot be pulled: {problem}",
                               f"docker pull {image}, once there is a network; or ./workshop up --native")
        return None

    def _get(self, image):
        """None where the image is here in the end, else the reason."""
        if self._has(image):
            return None
        step(f"pulling {image}")
        pulled = self._docker("pull", "-q", image, timeout=900)
        return _last_line(pulled.stderr) if pulled.returncode else None

    def _has(self, image):
        return self._docker("image", "inspect", image).returncode == 0

    # The commands.

    def up(self, programs=True, traffic=True, alerts="classroom", labs=False, course=False):
        """`course`: a student's, who does not see yet what belongs to exercises ahead."""
        wanted = [name for name in self.services if (programs or name not in NAMES) and (traffic or name != "traffic")]
        if labs or not self.labs.keys().isdisjoint(self._containers()):  # those that run go on, and are still scraped
            wanted += self.labs
            self.with_labs = True
        if problem := self.missing_image(wanted):
            raise problem
        fresh = not self._containers()
        if fresh:
            self._refuse_taken_ports(wanted)
        self.mark.parent.mkdir(parents=True, exist_ok=True)
        self.mark.write_text(self.project + "\n")
        self.mounts, changed = mounts(self.root, self.mark.parent / "on-show", alerts, course)
        since = time.time()
        try:
            for name in ("frontend",) * programs + ("person",) * ("person" in wanted):
                self._build(name, alerts)
            step(f"starting {len(wanted)} containers; RabbitMQ takes longest")
            profile = ("--profile", "labs") if "person" in wanted else ()
            self._compose(*profile, "up", "-d", *wanted, alerts=alerts)
            if changed and not fresh:
                self._compose("kill", "-s", "SIGHUP", "prometheus")  # has it read its rules again
            self._wait(wanted, traffic and programs, since)
        except (Failure, KeyboardInterrupt):
            if fresh:
                put_back_undisturbed()
                step("stopping the containers again")
                self.down()
            raise
        self._show_addresses(wanted)

    def _build(self, name, alerts):
        """The image of that service. A class without network may have got it from a file: then it is used as it is."""
        image = (self.services | self.labs)[name]["image"]
        if problem := self._get(BASE):
            step(f"{image} is used as it is: {BASE} to build it on cannot be pulled ({problem})")
            return
        step(f"building the image {image}")
        profile = ("--profile", "labs") if name in self.labs else ()
        self._compose(*profile, "build", name, alerts=alerts)

    def status(self):
        """0 where all that was started runs and is healthy."""
        containers = self._containers()
        shown = self.services | {name: service for name, service in self.labs.items() if name in containers}
        for name, service in shown.items():
            state, number = containers.get(name, ("stopped", "-"))
            port = next((port + self.port_offset for port in service["ports"].values()), "-")
            say(f"{name:18} {state:13} {number[:12]:>12} {port:>6}")
        return 0 if containers and all(state == "running" for state, _ in containers.values()) else 1

    def logs_command(self, name=None, lines=100, follow=False):
        if name and name not in self.services | self.labs:
            raise Failure(f"there is no log of {name}", f"there are: {', '.join(self.services)}")
        profile = ["--profile", "labs"] if self.labs.keys() & self._containers().keys() else []
        return [*self._compose_command(), *self._project(), *profile, "logs", "--tail", str(lines), *(["-f"] if follow else []),
                *([name] if name else [])]

    def log_lines(self, name=None):
        """All lines, of one service or of all."""
        shown = subprocess.run([*self.logs_command(name, "all"), "--no-color"], cwd=self.root, env=self.environment(),
                               capture_output=True, text=True)
        return shown.stdout.splitlines()

    def down(self, *more):
        """Ends all containers, those of the profiles too. `-v` as well: deletes their data."""
        names = list(self._containers())
        self._compose("--profile", "logs", "--profile", "dev", "--profile", "labs", "down", "--remove-orphans", *more)
        self.mark.unlink(missing_ok=True)
        return names

    # Below: only for this file.

    def environment(self, alerts="classroom"):
        """What docker-compose.yml asks its environment for."""
        moved = {f"{name.upper().replace('-', '_')}_PORT": str(port + self.port_offset)
                 for service in (self.services | self.labs).values() for name, port in service["ports"].items()}
        labs = {"LABS": "compose"} if self.with_labs or self.labs.keys() & self._containers().keys() else {}
        return os.environ | moved | labs | {"ALERTS": alerts} | self.mounts

    def _project(self):
        return ["-f", str(self.root / "docker-compose.yml"), "-p", self.project]

    def _compose_command(self):
        """`docker compose`, else docker-compose, else None."""
        if self._docker("compose", "version").returncode == 0:
            return ["docker", "compose"]
        return ["docker-compose"] if shutil.which("docker-compose") else None

    def _docker(self, *words, timeout=30):
        argv = ["docker", *words]
        try:
            return subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=timeout)
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(argv, 1, "", f"docker {words[0]} gave no answer in {timeout} s")
        except OSError as error:
            return subprocess.CompletedProcess(argv, 1, "", str(error))

    def _compose(self, *words, alerts="classroom"):
        """Runs to its end, with its newest line shown."""
        if not (command := self._compose_command()):
            raise self.refusal() or Failure("there is no docker-compose")
        line, output = LiveLine(), []
        with subprocess.Popen([*command, *self._project(), *words], cwd=self.root, env=self.environment(alerts), text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            for text in process.stdout:
                output.append(text)
                line.show(text.strip())
        line.clear()
        if process.returncode:
            said = "".join(output[-12:]).strip().replace("\n", "\n    ")
            raise Failure(f"docker-compose {words[0]} failed:\n    {said}", f"./workshop logs{self.option} NAME shows what a container said")

    def _containers(self):
        """service → (state in a word or two, id) of this copy's containers."""
        row = '{{.Label "com.docker.compose.service"}}\t{{.State}}\t{{.Status}}\t{{.ID}}'
        shown = self._docker("ps", "-a", "--filter", f"label=com.docker.compose.project={self.project}", "--format", row)
        found = {}
        for line in shown.stdout.splitlines():
            name, state, status, number = line.split("\t")
            if state == "running" and "(healthy)" not in status:
                state = "not ready"
            found[name] = state, number
        return found

    def _refuse_taken_ports(self, wanted):
        taken = [f"port {port + self.port_offset} ({name}) is taken by {ports.holder(port + self.port_offset)}"
                 for service in wanted for name, port in (self.services | self.labs)[service]["ports"].items()
                 if not ports.is_free(port + self.port_offset)]
        if taken:
            free = ports.suggested_offset()
            hint = "end that one" + (f", or use other ports: ./workshop up --docker --port-offset {free}" if free else "")
            raise Failure("\n  ".join(taken), hint)

    @property
    def _api(self):
        return Api(f"http://{ports.HOST}:{ports.PORTS['prometheus'] + self.port_offset}")

    def _wait(self, wanted, traffic, since):
        step("waiting until Prometheus sees every target" + (" and requests are counted" if traffic else ""))
        line, end = LiveLine(), time.monotonic() + HEALTHY_TIMEOUT
        stack = SimpleNamespace(mine=False, prometheus=SimpleNamespace(api=self._api))
        try:
            while problem := self._unhealthy(wanted) or what_is_missing(stack, set(wanted), traffic, since):
                if time.monotonic() > end:
                    raise Failure(f"no data after {HEALTHY_TIMEOUT} s: {problem}",
                                  f"./workshop logs{self.option} shows what the containers say")
                line.show(problem)
                time.sleep(0.5)
        finally:
            line.clear()

    def _unhealthy(self, wanted):
        containers = self._containers()
        return next((f"{name} is {containers.get(name, ('not there',))[0]}" for name in wanted
                     if containers.get(name, ("",))[0] != "running"), None)

    def _show_addresses(self, wanted):
        at = {name: f"http://localhost:{port + self.port_offset}" for service in (self.services | self.labs).values()
              for name, port in service["ports"].items()}
        graph, targets = self._api.pages()
        step("everything runs")
        rows = [(name, f"{at[name]}{'/hello  ' + at[name] if name == 'frontend' else ''}/metrics")
                for name in NAMES if name in wanted]
        rows += [(name, f"{at[name].removeprefix('http://') + '  ' + at['echo-metrics'] if name == 'echo' else at[name]}/metrics")
                 for name in self.labs if name in wanted]
        rows += [("Grafana", f"{at['grafana']}  (admin/admin)"), ("Prometheus", f"{graph}  (targets: {targets})"),
                 ("Alertmanager", at["alertmanager"]), ("RabbitMQ", f"{at['rabbitmq-ui']}  (guest/guest)"),
                 ("PostgreSQL", at["postgres"].replace("http://", "postgres://demo:demo@") + "/demo"),
                 ("Redis", at["redis"].replace("http://", "redis://") + "/0")]
        say()
        for name, where in rows:
            say(f"  {name:12} {where}")
        say()
        say(f"  ./workshop status{self.option} | logs{self.option} | down{self.option}")


def _last_line(text):
    """The end of what docker said, which holds the reason."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "it said nothing")[-300:]


def choose(docker, stack, native, wants_docker):
    """(whether with Docker, the line that says why). Raises the Failure where Docker is demanded and cannot be had."""
    running = any(service.running for service in stack.services.values())
    if docker.runs and (native or running):
        raise Failure("the workshop runs in containers already", f"./workshop down{docker.option}, then the same command again")
    if wants_docker and running:
        raise Failure("the workshop runs natively already", f"./workshop down{docker.option}, then the same command again")
    if native or running:
        return False, None
    problem = docker.refusal() or (None if docker.runs else docker.missing_image())
    if problem and (wants_docker or docker.runs):
        raise problem
    if problem:
        return False, f"natively, from Debian's packages: {problem.message}"
    return True, f"in containers: a Docker engine answers (version {docker.version}); --native does without"


def refuse_dead_mark(docker):
    """`status` and the like of a copy that was started in containers need the engine."""
    if docker.runs and (problem := docker.refusal()):
        raise Failure(problem.message, "this copy was started in containers; start Docker, and try again")

