"""`./workshop up`: from whatever is there to a workshop whose data flows, or back to what was there before."""

import time

from . import build, packages, ports
from .labs import LABS
from .programs import NAMES, STUDENTS
from .ui import Failure, LiveLine, put_back_undisturbed, say, step

DATA_TIMEOUT = 90  # seconds until Prometheus must have seen everything
FLOW = 'sum(increase(hello_total{job="frontend"}[%ds]))'
FLOW_MINE = "sum(increase(traffic_requests_total[%ds]))"  # a student's frontend may count nothing yet


def up(stack, programs=True, traffic=True, labs=()):
    stack.make_dirs()
    stack.labs = tuple(labs)
    wanted = _wanted(stack, programs, traffic)
    _refuse_taken_ports(stack, wanted)  # before the long work, and again after it
    packages.ensure(packages.RUN, stack.logs / "apt.log")
    if programs or labs:
        step("building the programs")
        build.build(stack.root, stack.build, *_targets(stack))
    _leave_stand_in(stack)
    outdated = [s.name for s in wanted if s.name in (*NAMES, *labs) and s.outdated()]
    if outdated:
        step(f"restarting what was rebuilt: {', '.join(outdated)}")
        stack.down(outdated)
    if stack.board.outdated():
        stack.down([stack.board.name])
    _tell_running(stack, wanted)
    _refresh(stack)
    _refuse_taken_ports(stack, wanted)
    mine = [service.name for service in wanted if not service.running]
    since = time.time() if mine else 0
    try:
        _start(stack, wanted)
        _wait_for_data(stack, wanted, traffic, since)
    except (Failure, KeyboardInterrupt):
        _put_back(stack, mine)
        raise
    _show_addresses(stack, programs)


def _leave_stand_in(stack):
    """The exporter of `./workshop lab exporter` reads a stand-in; beside the workshop it reads the frontend."""
    if "exporter" in stack.labs and stack.source.process:
        step("the exporter reads the frontend's /stats from here on; its stand-in ends")
        stack.down(["load-exporter", "exporter", "source"])


def _targets(stack):
    """What to build: all, what the student edits where that is to run, and the labs where they are."""
    return ("all", *(f"mine_{name}" for name in STUDENTS if stack.mine), *(["labs"] if stack.labs else []))


def _refresh(stack):
    for service, name in ((stack.prometheus, f"Prometheus (alerts: {stack.prometheus.alerts})"),
                          (stack.alertmanager, "Alertmanager")):
        if service.running and service.refresh():
            step(f"{name} reads its changed configuration")


def _wanted(stack, programs, traffic):
    left_out = set() if programs else set(NAMES)
    if not traffic:
        left_out.add("traffic")
    return [stack.services[name] for name in (*stack.usual, *stack.labs) if name not in left_out]


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
    if any("in a terminal" in holder for _, _, holder in taken):
        hint = f"end it, or ./workshop up --stack-only{stack.option} for the servers alone"
    raise Failure("\n  ".join(lines), hint)


def _start(stack, wanted):
    def tell(service, seconds):
        if service.name not in running:
            at = f"on port {service.port}" if service.port else ""
            step(f"  {service.name:18} ready after {seconds:4.1f} s {at}")

    running = {service.name for service in wanted if service.running}
    starting = [service.name for service in wanted if service.name not in running]
    if "rabbitmq" in starting:
        step("starting the servers; RabbitMQ takes longest")
    elif starting:
        step(f"starting {', '.join(starting)}")
    stack.start(*(service.name for service in wanted), tell=tell)


def _put_back(stack, mine):
    """Stops what this command started, and only that."""
    put_back_undisturbed()
    started = [name for name in mine if stack.services[name].running]
    if started:
        step(f"stopping again: {', '.join(started)}")
    stack.down(mine)


def _wait_for_data(stack, wanted, traffic, since):
    """Until Prometheus itself says that every target is up and that requests are counted, from what it saw after
    `since`: what it knows from before may be of a program that was ended to start anew."""
    step("waiting until Prometheus sees every target" + (" and requests are counted" if traffic else ""))
    line, end = LiveLine(), time.monotonic() + DATA_TIMEOUT
    try:
        while problem := what_is_missing(stack, {s.name for s in wanted}, traffic, since):
            _refuse_dead(wanted)
            if time.monotonic() > end:
                raise Failure(f"no data after {DATA_TIMEOUT} s: {problem}",
                              f"./workshop logs{stack.option} shows what the programs say")
            line.show(problem)
            time.sleep(0.25)
        _refuse_dead(wanted)
    finally:
        line.clear()


def _refuse_dead(wanted):
    for service in wanted:
        if not service.running:
            raise service.ended("died")


def what_is_missing(stack, names, traffic, since):
    """A sentence, or None when nothing is missing."""
    targets = stack.prometheus.api.targets(since)
    if not targets:
        return "Prometheus has no targets yet"
    for job, (health, error) in targets.items():
        if stack.mine and job in STUDENTS:
            continue  # they may have no /metrics yet; that they work, `ready` has told
        if job == "class":
            continue  # other people's laptops
        if health != "up" and (job in names or job not in (*NAMES, *LABS)):
            return f"target {job} is {health}" + (f" ({error})" if error else "")
    seconds = min(60, max(1, int(time.time() - since)))
    if traffic and not (stack.prometheus.api.value((FLOW_MINE if stack.mine else FLOW) % seconds) or 0) > 0:
        return "no hello request counted yet"
    return None


def _show_addresses(stack, programs):
    graph, targets = stack.prometheus.api.pages()
    step("everything runs" + ("; frontend and backend are yours, from mine/" if stack.mine else ""))
    offset = stack.option
    rows = [("Board", f"{stack.board.url}  ({stack.board.remark})"), ("Prometheus", f"{graph}  (targets: {targets})"),
            ("Alertmanager", stack.alertmanager.url),
            ("RabbitMQ", f"{stack.rabbitmq.ui_url}  (guest/guest)"),
            ("PostgreSQL", stack.postgres.url), ("Redis", stack.redis.url)]
    running = [name for name in NAMES if stack.services[name].running]
    pages = [(name, ("{0}/hello  " if name == "frontend" else "").format(stack.services[name].url)
              + f"{stack.services[name].url}/metrics") for name in running]
    pages += [(name, stack.services[name].remark) for name in LABS if stack.services[name].running]
    say()
    for name, where in pages + rows:
        say(f"  {name:12} {where}")
    say()
    if not programs and running:
        say(f"  {', '.join(running)} still run: ./workshop down{offset} ends them, before ./workshop run in a terminal")
    elif not programs:
        say(f"  ./workshop run{offset} frontend     and backend, traffic: each in a terminal of its own")
    say(f"  ./workshop status{offset} | logs{offset} | down{offset}")
