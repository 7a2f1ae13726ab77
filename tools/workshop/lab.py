"""`./workshop lab NAME`: one lab, load for it, Prometheus and the board; alone, or beside what runs already."""

import time

from . import build, packages
from .ui import Failure, LiveLine, put_back_undisturbed, say, step

DATA_TIMEOUT = 60  # seconds until Prometheus must have seen the lab
WATCHERS = ("logkeeper", "loadkeeper", "prometheus", "board")


def run_lab(stack, name, load=True):
    stack.make_dirs()
    stack.labs = (name,)
    stack.prometheus.alone = not any(stack.services[usual].running for usual in stack.usual if usual not in WATCHERS)
    wanted = [stack.services[each] for each in _names(stack, name, load)]
    _refuse_taken_ports(stack, wanted)
    packages.ensure(packages.LAB_RUN, stack.logs / "apt.log")
    step("building the lab")
    build.build(stack.root, stack.build, "labs", "traffic")
    _end_what_is_old(wanted)
    _tell_running(wanted)
    if stack.prometheus.running and stack.prometheus.refresh():
        step("Prometheus reads its changed configuration")
    _start(stack, name, [service.name for service in wanted if not service.running])
    _show_addresses(stack, name)


def _start(stack, name, mine):
    """Starts what does not run, and waits until Prometheus sees the lab; or ends it again."""
    since = time.time()
    try:
        if mine:  # what runs may well be not ready, such as a stand-in that was told to be down
            stack.start(*mine, tell=_tell)
        _wait_for_data(stack, name, since)
    except (Failure, KeyboardInterrupt) as reason:
        put_back_undisturbed()
        stack.down(mine)
        if isinstance(reason, Failure):
            raise
        raise Failure("interrupted; what this command had started has been ended", "the same command starts it anew",
                      status=130) from None


def _names(stack, name, load):
    """What is to run. The exporter alone needs somebody to ask."""
    yield from WATCHERS
    stands_in = name == "exporter" and stack.exporter.source is stack.source
    if stands_in:
        yield "source"
    yield name
    if load and (name != "exporter" or stands_in):  # where the workshop runs, its traffic is the load
        yield f"load-{name}"


def _end_what_is_old(wanted):
    """What was built anew, or is to do something else than when it was started, starts anew."""
    old = [service for service in wanted if service.optional and service.outdated()]
    if old:
        step(f"restarting what changed: {', '.join(service.name for service in old)}")
        old[0].stack.down([service.name for service in old])


def _tell_running(wanted):
    running = [service.name for service in wanted if service.running and service.name not in WATCHERS]
    if running:
        step(f"runs already: {', '.join(running)}")


def _tell(service, seconds):
    step(f"  {service.name:18} ready after {seconds:4.1f} s" + (f" on port {service.port}" if service.port else ""))


def _refuse_taken_ports(stack, wanted):
    taken = [f"port {port} ({name}) is taken by {holder}" for name, port, holder in stack.taken_ports(wanted)]
    if taken:
        raise Failure("\n  ".join(taken), "end that one, or take other ports: ./workshop lab --port-offset N NAME")


def _wait_for_data(stack, name, since):
    line, end = LiveLine(), time.monotonic() + DATA_TIMEOUT
    step("waiting until Prometheus sees it")
    try:
        while (seen := stack.prometheus.api.targets(since).get(name, ("not known yet", "")))[0] != "up":
            if not stack.services[name].running:
                raise stack.services[name].ended("died")
            if time.monotonic() > end:
                raise Failure(f"no data after {DATA_TIMEOUT} s: target {name} is {seen[0]} ({seen[1]})",
                              f"./workshop logs{stack.option} {name}")
            line.show(f"target {name} is {seen[0]}")
            time.sleep(0.25)
    finally:
        line.clear()


def _show_addresses(stack, name):
    graph, _ = stack.prometheus.api.pages()
    lab, offset = stack.services[name], stack.option
    rows = [(name, lab.remark), ("Dashboard", f"{stack.board.url}/d/{name}"), ("Prometheus", graph),
            ("Read on", f"docs/labs/{name}.md")]
    if name == "exporter":
        rows.insert(1, ("source", f"{lab.source.url}/stats"))
    load = stack.services[f"load-{name}"]
    if load.running:
        words = " ".join(map(str, load.command()[1:]))
        rows.insert(1, ("load", f"{load.command()[0].name} {words}"))
        if load.port:
            rows.insert(2, ("", f"{load.url}/metrics"))
    step(f"the lab {name} runs")
    say()
    for title, where in rows:
        say(f"  {title:12} {where}")
    say()
    if name == "exporter" and lab.source is not stack.source:
        say("  The workshop runs, so the exporter reads its frontend, and there is no stand-in that can be told to misbehave;")
        say("  for one: ./workshop down, then ./workshop lab exporter.")
        say()
    say(f"  ./workshop status{offset} | logs{offset} {name} | down{offset}")
