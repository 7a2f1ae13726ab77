"""`./workshop up`: from whatever is there to a workshop whose data flows, or back to what was there before."""

import time

from . import build, packages, ports
from .programs import NAMES
from .ui import Failure, LiveLine, put_back_undisturbed, say, step

DATA_TIMEOUT = 90  # seconds until Prometheus must have seen everything
FLOW = 'sum(rate(hello_total{job="frontend"}[1m]))'


def up(stack, programs=True, traffic=True):
    stack.make_dirs()
    packages.ensure(packages.RUN, stack.logs / "apt.log")
    if programs:
        step("building the programs")
        build.build(stack.root, stack.build)
    wanted = _wanted(stack, programs, traffic)
    outdated = [s.name for s in wanted if s.name in NAMES and s.outdated()]
    if outdated:
        step(f"restarting what was rebuilt: {', '.join(outdated)}")
        stack.down(outdated)
    _tell_running(stack, wanted)
    if stack.prometheus.running and stack.prometheus.refresh():
        step("Prometheus reads its changed configuration")
    _refuse_taken_ports(stack, wanted)
    mine = [service.name for service in wanted if not service.running]
    try:
        _start(stack, wanted)
        _wait_for_data(stack, {s.name for s in wanted}, traffic)
    except (Failure, KeyboardInterrupt):
        _put_back(stack, mine)
        raise
    _show_addresses(stack, programs)


def _wanted(stack, programs, traffic):
    left_out = set() if programs else set(NAMES)
    if not traffic:
        left_out.add("traffic")
    return [service for service in stack.services.values() if service.name not in left_out]


def _tell_running(stack, wanted):
    running = [service for service in stack.services.values() if service.running]
    for text, group in (("runs already", [s.name for s in running if s in wanted]),
                        ("left as it was, running", [s.name for s in running if s not in wanted])):
        if group:
            step(f"{text}: {', '.join(group)}")


def _refuse_taken_ports(stack, wanted):
    taken = stack.taken_ports(wanted)
    if not taken:
        return
    lines = [f"port {port} ({name}) is taken by {holder}" for name, port, holder in taken]
    free = ports.suggested_offset()
    hint = "end that one" + (f", or use other ports: ./workshop up --port-offset {free}" if free else "")
    raise Failure("\n  ".join(lines), hint)


def _start(stack, wanted):
    def tell(service, seconds):
        if service.name not in running:
            at = f"on port {service.port}" if service.port else ""
            step(f"  {service.name:18} ready after {seconds:4.1f} s {at}")

    running = {service.name for service in wanted if service.running}
    if len(running) < len(wanted):
        step("starting the servers; RabbitMQ takes longest")
    stack.start(*(service.name for service in wanted), tell=tell)


def _put_back(stack, mine):
    """Stops what this command started, and only that."""
    put_back_undisturbed()
    started = [name for name in mine if stack.services[name].running]
    if started:
        step(f"stopping again: {', '.join(started)}")
    stack.down(mine)


def _wait_for_data(stack, names, traffic):
    """Until Prometheus itself says that every target is up and that requests are counted."""
    step("waiting until Prometheus sees every target" + (" and requests are counted" if traffic else ""))
    line, end = LiveLine(), time.monotonic() + DATA_TIMEOUT
    try:
        while problem := _what_is_missing(stack, names, traffic):
            if time.monotonic() > end:
                raise Failure(f"no data after {DATA_TIMEOUT} s: {problem}", "./workshop logs shows what the programs say")
            line.show(problem)
            time.sleep(0.25)
    finally:
        line.clear()


def _what_is_missing(stack, names, traffic):
    """A sentence, or None when nothing is missing."""
    targets = stack.prometheus.api.targets()
    if not targets:
        return "Prometheus has no targets yet"
    for job, (health, error) in targets.items():
        if health != "up" and (job in names or job not in NAMES):
            return f"target {job} is {health}" + (f" ({error})" if error else "")
    if traffic and not (stack.prometheus.api.value(FLOW) or 0) > 0:
        return "no hello request counted yet"
    return None


def _show_addresses(stack, programs):
    graph, targets = stack.prometheus.api.pages()
    step("everything runs")
    offset = f" --port-offset {stack.port_offset}" if stack.port_offset else ""
    rows = [("Prometheus", f"{graph}  (targets: {targets})"),
            ("RabbitMQ", f"{stack.rabbitmq.ui_url}  (guest/guest)"),
            ("PostgreSQL", stack.postgres.url), ("Redis", stack.redis.url)]
    if programs:
        rows.insert(0, ("frontend", f"{stack.frontend.url}/hello  {stack.frontend.url}/metrics"))
        rows.insert(1, ("backend", f"{stack.backend.url}/metrics"))
    if stack.traffic.running:
        rows.insert(2, ("traffic", f"{stack.traffic.url}/metrics"))
    say()
    for name, where in rows:
        say(f"  {name:11} {where}")
    say()
    if not programs:
        say(f"  ./workshop run{offset} frontend     and backend, traffic: each in a terminal of its own")
    say(f"  ./workshop status{offset} | logs{offset} | down{offset}")
