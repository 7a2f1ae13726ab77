"""`./workshop run PROGRAM`: one of the three in the foreground, in the place of this command."""

import json
import os
import signal
import sys
from pathlib import Path
from urllib.parse import urlsplit

from . import build, packages, ports
from .programs import defaults
from .ui import Failure, say


def run_program(stack, name, given):
    """Does not return: this process becomes the program, so that Ctrl-C and the exit status are its own."""
    service = stack.services[name]
    if _has(given, "--port-offset"):
        raise Failure("--port-offset belongs before the program's name",
                      f"./workshop run --port-offset N {name}; what follows the name goes to the program", status=2)
    asks = not {"--help", "--version"}.isdisjoint(given)
    if not asks:
        _find_port(stack, service, given)
    packages.ensure(packages.RUN, stack.logs / "apt.log")
    build.build(stack.root, "release", *(["all", f"mine_{name}"] if service.mine else []))
    if asks:
        become([str(service.binary), *given])
    given = [*given, *_shifted_target(stack, name, given)]
    _tell_missing(stack, name, given)
    argv = [str(service.binary), *defaults(name, given), *given]
    say(f"Ctrl-C ends it: {' '.join([str(service.binary.relative_to(stack.root)), *argv[1:]])}")
    become(argv, service.environment() | os.environ)


def become(argv, environment=os.environ):
    """Turns this process into another program. Python ignores SIGPIPE, which that one must not inherit."""
    sys.stdout.flush()
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.execvpe(argv[0], argv, environment)


def _has(given, flag):
    return any(word.split("=")[0] == flag for word in given)


def _value(given, flag):
    """What the flag says, as two words or one; None where it is not given."""
    for word, following in zip(given, [*given[1:], None]):
        if word == flag:
            return following
        if word.startswith(flag + "="):
            return word.removeprefix(flag + "=")
    return None


def _shifted_target(stack, name, given):
    """A scenario file names a lab where it usually is; this copy's is elsewhere, and that one may be somebody else's."""
    target = _target_of(_value(given, "--scenario")) if name == "traffic" and not _has(given, "--target") else None
    here = ports.shifted_url(target, stack.port_offset) if target else None
    return ["--target", here] if here != target else []


def _target_of(scenario):
    """The target that the file names; None where there is none, or traffic will say what is wrong with the file."""
    try:
        content = json.loads(Path(scenario).read_text()) if scenario else None
    except (OSError, ValueError):
        return None
    target = content.get("target") if isinstance(content, dict) else None
    return target if isinstance(target, str) else None


def _tell_missing(stack, name, given):
    """Where the servers do not run: traffic needs none of them, but somebody who answers."""
    if stack.rabbitmq.running or name == "traffic" and (_has(given, "--scenario") or _answers(stack, given)):
        return
    say(f"the servers do not run; in another terminal, ./workshop up --stack-only{stack.option} starts them")


def _answers(stack, given):
    target = _value(given, "--target") or os.environ.get("BASE_URL") or stack.frontend.url
    try:
        at = urlsplit(target)
        return ports.answers(at.port or 80, host=at.hostname or ports.HOST)
    except ValueError:
        return True  # traffic itself says what is wrong with it


def _find_port(stack, service, given):
    """A second traffic is welcome, on another port. A second frontend or backend would only confuse."""
    if service.running and service.name != "traffic":
        raise Failure(f"{service.name} runs already, started by ./workshop up (pid {service.pid}, port {service.port})",
                      f"./workshop down{stack.option}, then ./workshop up --stack-only{stack.option} leaves the three "
                      "programs to you")
    chosen = "LISTEN" in os.environ or any(word.startswith("--listen") for word in given)
    if chosen or ports.is_free(service.port):
        return
    taken = f"port {service.port} ({service.name}) is taken by {ports.holder(service.port)}"
    free = next((port for port in range(service.port + 10, service.port + 60) if ports.is_free(port)), None)
    if service.name != "traffic" or not free:
        raise Failure(taken, f"end that one, or let this one listen elsewhere: --listen 127.0.0.1:{service.port + 10}")
    say(f"{taken}; this one has its /metrics on port {free}")
    service.port = free
