"""`./workshop doctor`: within ten seconds, whether this computer is ready for the workshop, and what to do where it is not.

    examine(Machine(root, port_offset))   [Finding(level, what, todo)]

Each probe below looks at one thing. It asks a Machine (machine.py) alone, so that a test can pretend any lack. All run
side by side; one that has no answer in time is told as such. BAD has to be put right first; with NOTE the workshop works.
"""

import threading
import time
from typing import NamedTuple

from .ui import say

GOOD, NOTE, BAD = "good", "note", "BAD"
LIMIT_S = 9
GB = 1 << 30
MEMORY = 1 * GB              # available, for all servers and programs natively; measured: 0.3 GB after a start
MEMORY_CONTAINERS = 2 * GB
DISK, DISK_INSTALL = 1 * GB, 3 * GB  # data, logs and a build; and besides what has to be installed


class Finding(NamedTuple):
    level: str
    what: str
    todo: str = ""


def doctor(machine):
    """Says it all; the exit status."""
    begin, findings = time.monotonic(), examine(machine)
    for level, what, todo in findings:
        say(f"{level:5} {what}")
        for line in filter(None, todo.split("\n")):
            say(f"      → {line}")
    bad = sum(finding.level == BAD for finding in findings)
    took = f"({time.monotonic() - begin:.1f} s)"
    if bad:
        say(f"not ready: {bad} thing{'s' * (bad > 1)} to put right first {took}")
        return 1
    say(f"ready: {machine.command('up')}, then {machine.command('start')} for the course {took}")
    return 0


def examine(machine, limit=LIMIT_S):
    answers = {}

    def run(probe):
        try:
            answers[probe] = list(probe(machine))
        except Exception as error:  # one that fails must not hide what the others say
            answers[probe] = [Finding(NOTE, f"could not look at {probe.__name__}: {type(error).__name__}: {error}")]

    threads = [threading.Thread(target=run, args=(probe,), daemon=True) for probe in PROBES]
    end = time.monotonic() + limit
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0, end - time.monotonic()))
    return [finding for probe in PROBES for finding in answers.get(probe) or _late(probe, answers, limit)]


def _late(probe, answers, limit):
    if probe not in answers:
        yield Finding(NOTE, f"no answer about {probe.__name__} within {limit} s", "that hangs, or the computer is very busy")


# The probes. Each one's name completes "could not look at …".

def system(machine):
    """Either Debian's packages or containers."""
    native, name = machine.native, machine.name
    if native:
        yield Finding(GOOD, f"{name}: everything comes from its packages")
    elif machine.docker_problem() is None:
        yield Finding(GOOD, f"{name}: in containers")
    else:
        yield Finding(BAD, f"{name} has no packages for the workshop, and {machine.docker_problem()}",
                      "use Debian 12 or newer, or Ubuntu 24.04 or newer, also in a virtual machine or in WSL\n"
                      "or install Docker, and start it")
    if machine.processor not in ("x86_64", "amd64"):
        yield Finding(NOTE, f"the processor is {machine.processor}; the workshop was tried on x86_64 alone")
    if machine.windows_drive:
        yield Finding(NOTE, f"{machine.root} lies on a Windows drive, where building takes very long",
                      "clone it into the home directory of Linux")


def programs(machine):
    """Those that the exercises type, and that a PATH may lack."""
    lacking = [name for name in ("git", "curl") if not machine.which(name)]
    for name in lacking:
        if not (machine.native and name in machine.missing_packages()):  # else it is told there
            yield Finding(BAD, f"there is no {name}", f"sudo apt-get install {name}, or correct PATH" if machine.native else "install it")
    if not lacking:
        yield Finding(GOOD, "git and curl are there")


def packages(machine):
    if not machine.native:
        return
    missing = machine.missing_packages()
    if not missing:
        yield Finding(GOOD, "all packages are installed: no network is needed")
        return
    shown = ", ".join(missing[:4]) + (", …" if len(missing) > 4 else "")
    size = " (up to 220 MB to download)"
    if not machine.may_install:
        yield Finding(BAD, f"{len(missing)} packages are missing ({shown}), and you are neither root nor is there sudo",
                      f"run {machine.command('up')} once as root")
        return
    reason = machine.unreachable(machine.mirror)
    if reason:
        yield Finding(BAD, f"{len(missing)} packages are missing ({shown}), and {machine.mirror} cannot be reached: {reason}",
                      "connect to the network, or set its proxy for apt; or install them elsewhere, see docs/instructor.md")
    else:
        yield Finding(NOTE, f"{len(missing)} packages are missing: {shown}{size}",
                      f"{machine.command('up')} installs them; do it before the class, not in it")


def containers(machine):
    problem = machine.docker_problem()
    if problem:
        if machine.native:
            yield Finding(GOOD, f"without containers: {problem}")
        return
    missing = machine.missing_images()
    if missing:
        yield Finding(NOTE, f"a Docker engine answers, and {len(missing)} images are not here yet, such as {missing[0]}",
                      f"{machine.command('up')} --docker pulls them; do it before the class, not in it")
    else:
        yield Finding(GOOD, "a Docker engine answers, and has all images")


def charts(machine):
    if machine.charts_cached:
        yield Finding(GOOD, "the board's charts work without a network")
    else:
        yield Finding(NOTE, "uPlot, which draws the board's charts, is not here yet",
                      f"{machine.command('up')} fetches it once (164 kB from registry.npmjs.org), if there is a network")


def ports(machine):
    running = machine.running
    taken = machine.taken_ports()
    if not taken:
        yield Finding(GOOD, "the workshop runs, and has its ports" if running else "all ports are free")
        return
    free = machine.free_offset()
    for name, port, holder in taken:
        yield Finding(BAD, f"port {port} ({name}) is taken by {holder}",
                      "System Settings, General, AirDrop & Handoff: switch AirPlay Receiver off" if "AirPlay" in holder else "")
    if free:
        yield Finding(NOTE, f"the ports above it are free from {free} on",
                      f"in the place of ending those: ./workshop up --port-offset {free}, and with every other command")


def memory(machine):
    available, wanted = machine.memory, MEMORY if machine.native else MEMORY_CONTAINERS
    if available is None:
        return
    text = f"{available / GB:.1f} GB of memory are available"
    if available >= wanted or machine.running:
        yield Finding(GOOD, text)
    else:
        yield Finding(BAD if available < wanted / 2 else NOTE, f"{text}, and {wanted / GB:.0f} GB are wanted",
                      "close the browser's other tabs and other programs" + ("" if machine.native else "; give Docker more memory"))


def disk(machine):
    free = machine.disk_free
    wanted = DISK if machine.native and not machine.missing_packages() else DISK_INSTALL
    text = f"{free / GB:.1f} GB are free on the disk"
    if free >= wanted:
        yield Finding(GOOD, text)
    else:
        yield Finding(BAD, f"{text} of {machine.root}, and {wanted / GB:.0f} GB are wanted", "delete what you do not need")


def processors(machine):
    if machine.processors < 2:
        yield Finding(NOTE, "there is one processor; with two, the measurements disturb themselves less",
                      "in a virtual machine, give it two")


def state(machine):
    if owner := machine.foreign_state():
        yield Finding(BAD, f"{machine.root}/.workshop belongs to {owner}, as somebody ran ./workshop as another user",
                      f"sudo chown -R {machine.user} {machine.root}/.workshop {machine.root}/build {machine.root}/mine")
    for offset in machine.running_copies():
        if offset != machine.port_offset:
            yield Finding(NOTE, f"another copy runs with --port-offset {offset}" if offset else "the workshop runs without --port-offset",
                          f"./workshop down{f' --port-offset {offset}' if offset else ''} ends it")


PROBES = (system, processors, memory, disk, programs, packages, containers, charts, ports, state)
