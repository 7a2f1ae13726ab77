"""The groups of tests. Each leaves counts and a time; the last line printed sums them up.

A group that cannot be built or that has no tests counts as one failure.
"""

import os
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as xml
from pathlib import Path

from . import build, packages
from .exporters import write_config
from .state import locked
from .ui import Failure, say

PYTHON = "/usr/bin/python3"  # Debian's: its packages hold pytest, pika, psycopg2 …


def lint(root):
    """Format of every C file; the configuration of Prometheus and of Alertmanager."""
    sources = [path for room in ("common", "frontend", "backend", "traffic", "labs", "exercises", "tests", "examples",
                                "bench")
               for path in sorted((root / room).rglob("*.[ch]"))]
    if not sources:
        raise Failure("there is no C file to look at")
    write_config(root, root / "build/lint/prometheus")
    checks = [["clang-format", "--dry-run", "-Werror", *map(str, sources)],
              ["promtool", "check", "config", "build/lint/prometheus/prometheus.yml"],
              ["amtool", "check-config", "alertmanager/alertmanager.yml"]]
    failed = sum(bool(subprocess.run(argv, cwd=root).returncode) for argv in checks)
    return len(checks) - failed, failed


def unit(preset, label=None):
    """The unit tests as CTest knows them, built with the preset; of the label alone where one is given."""

    def run(root):
        build.build(root, preset)
        report = root / "build" / preset / "unit.xml"
        report.unlink(missing_ok=True)
        only = ["-L", label] if label else []
        subprocess.run(["ctest", "--test-dir", f"build/{preset}", "--output-on-failure", "--no-tests=error",
                        "--timeout", "120", "--parallel", "2", "--output-junit", str(report), *only], cwd=root)
        return counts(report)

    return run


def integration(preset, *more):
    """pytest against real servers, with the programs built with the preset: three files at a time, each with servers
    of its own, since the tests wait more than they work."""

    def run(root):
        side_by_side = ("-n", "3", "--dist", "loadfile")
        return _pytest(root, "integration", preset, _binaries(root, preset), *side_by_side, *more)

    return run


def faults(form):
    """The programs as they are used, while servers and they themselves die; `form` is short or long. Two files at a time,
    each with servers of its own, since these tests wait more than they work."""

    def run(root):
        build.build(root, "release")
        return _pytest(root, "faults", "release", root / "build/release/bin", "-n", "2", "--dist", "loadfile",
                       WORKSHOP_FAULTS=form)

    return run


def config(root):
    """What is around the programs: rules, dashboards, the board, every query, against a whole workshop that runs."""
    build.build(root, "release")
    return _pytest(root, "config", "release", root / "build/release/bin")


def course(form):
    """Every exercise's check, against the tree before it, its solution and its wrong answers; `form` is short or long.
    Two at a time, each in a copy of the tree, build/course/."""

    def run(root):
        return _pytest(root, "course", "release", root / "build/release/bin", "-n", "2", "--dist", "loadgroup",
                       WORKSHOP_COURSE=form)

    return run


def compose(form):
    """The containers: `short` reads their files; `long` starts a Docker engine, and in it the whole workshop."""

    def run(root):
        if form == "long":
            packages.ensure(packages.ENGINE, root / ".workshop/logs/apt.log")
        return _pytest(root, "compose", "release", root / "build/release/bin", "-rs", WORKSHOP_COMPOSE=form)

    return run


def drills(form):
    """Each alert provoked, and none where nothing is wrong; game days played. Two files at a time, each with a workshop
    of its own, since these tests wait more than they work. `form` is short or long."""

    def run(root):
        build.build(root, "release")
        return _pytest(root, "drills", "release", root / "build/release/bin", "-n", "2", "--dist", "loadfile",
                       WORKSHOP_DRILLS=form)

    return run


def labs(preset, form, *more):
    """The labs: each by independent clients, and as `./workshop` runs them, three files at a time; `form` is short or long."""

    def run(root):
        build.build(root, preset, "all", "labs")
        return _pytest(root, "labs", preset, root / "build" / preset / "bin", "-n", "3", "--dist", "loadgroup", *more,
                       WORKSHOP_LABS=form)

    return run


def fuzz(seconds):
    """Each of libFuzzer's targets for so long, two at a time. What one finds stays in build/fuzz/tests/fuzz/found/, and
    is tried again by the next run."""

    def run(root):
        build.build(root, "fuzz")
        subprocess.run(["cmake", "--preset", "fuzz", f"-DFUZZ_SECONDS={seconds}"], cwd=root, check=True,
                       stdout=subprocess.DEVNULL)
        report = root / "build/fuzz/fuzz.xml"
        report.unlink(missing_ok=True)
        subprocess.run(["ctest", "--test-dir", "build/fuzz", "--output-on-failure", "--no-tests=error", "--parallel", "2",
                        "--timeout", str(seconds + 120), "--output-junit", str(report)], cwd=root)
        return counts(report)

    return run


def _pytest(root, group, preset, binaries, *more, **variables):
    report = root / "build" / preset / f"{group}.xml"
    report.unlink(missing_ok=True)
    environment = os.environ | {"WORKSHOP_BUILD": preset, "WORKSHOP_BIN": str(binaries)} | variables
    subprocess.run([PYTHON, "-m", "pytest", f"tests/{group}", "-q", "-p", "no:cacheprovider",
                    f"--junitxml={report}", *more], cwd=root, env=environment)
    return counts(report)


def _binaries(root, preset):
    """Where the programs lie, together with the probes. The release build has none: it gets those of the dev build."""
    build.build(root, preset)
    if preset != "release":
        return root / "build" / preset / "bin"
    build.build(root, "dev")
    together = root / "build/integration/bin"
    shutil.rmtree(together, ignore_errors=True)
    together.mkdir(parents=True)
    for binary in [*(root / "build/release/bin").iterdir(), *(root / "build/dev/bin").glob("*_probe")]:
        if not (together / binary.name).exists():
            (together / binary.name).symlink_to(binary)
    return together


def counts(report):
    """(passed, failed) of a JUnit file. No file, or no test in it, is a failure. What was skipped is neither."""
    if not Path(report).exists():
        return 0, 1
    cases = list(xml.parse(report).getroot().iter("testcase"))
    failed = sum(case.find("failure") is not None or case.find("error") is not None for case in cases)
    skipped = sum(case.find("skipped") is not None for case in cases)
    return len(cases) - failed - skipped, failed if cases else 1


# What the short form leaves out under the sanitizers, where each of them takes a minute or more.
SLOW = "test_workshop or traffic or amqp_room or backend_faults or backend_memory"

LAB_ALONE = "not command and not watched"  # what is tried with sanitizers: not what Prometheus sees of the labs

FUZZ_SECONDS = 60  # for each target, where the group is asked for by its name

# Group → its parts: name → function(root) → (passed, failed).
GROUPS = {
    "lint": {"lint": lint},
    "unit": {"unit": unit("dev"), "unit, address sanitizer": unit("asan"),
             "threads, thread sanitizer": unit("tsan", "threads")},
    "integration": {"integration": integration("release"),
                    "integration, address sanitizer": integration("asan", "-k", f"not ({SLOW})")},
    "faults": {"faults": faults(os.environ.get("WORKSHOP_FAULTS", "short"))},
    "config": {"config": config},
    "compose": {"compose": compose("short")},
    "labs": {"labs": labs("release", "short"), "labs, address sanitizer": labs("asan", "short", "-k", LAB_ALONE)},
    "drills": {"drills": drills("short")},
    "course": {"course": course("short")},
    "fuzz": {"fuzz": fuzz(5)},
}
# What takes the place of a part above in the long form. The command's own tests run no instrumented program.
LONG = {"integration, address sanitizer": integration("asan", "-k", "not test_workshop"),
        "faults": faults("long"), "compose": compose("long"), "labs": labs("release", "long"),
        "drills": drills("long"), "course": course("long"), "fuzz": fuzz(FUZZ_SECONDS)}


def chosen(group, long=False, seconds=None):
    """name → part, of the group or of all; `all` is the long form of every one. `seconds` are for a fuzz target."""
    if group == "fuzz":
        return {"fuzz": fuzz(seconds or FUZZ_SECONDS)}
    every = {name: part for each in GROUPS.values() for name, part in each.items()}
    parts = GROUPS.get(group, every)
    return {name: LONG.get(name, part) if long or group == "all" else part for name, part in parts.items()}


def run_tests(root, group=None, long=False, seconds=None):
    """Exit status 0 where everything passed."""
    packages.ensure(packages.RUN + packages.TEST, root / ".workshop/logs/apt.log")
    packages.ensure_where_packaged(packages.BROWSER, root / ".workshop/logs/apt.log")
    with locked(root / ".workshop/lock-test", "test"):
        results = [(name, *_run(name, part, root)) for name, part in chosen(group, long, seconds).items()]
    say()
    for name, passed, failed, seconds in results:
        say(f"{'ok    ' if not failed else 'FAILED'} {name:32} {passed:4} passed {failed:4} failed {seconds:6.0f} s")
    passed, failed = sum(row[1] for row in results), sum(row[2] for row in results)
    say(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def _run(name, part, root):
    say(f"\n=== {name}")
    begin = time.monotonic()
    try:
        passed, failed = part(root)
    except Failure as failure:
        print(f"{name}: {failure}", file=sys.stderr, flush=True)
        passed, failed = 0, 1
    return passed, failed or (not passed), time.monotonic() - begin
