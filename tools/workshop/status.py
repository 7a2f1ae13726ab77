"""`./workshop status`: a line for each component, and an exit status for scripts."""

from .lab import WATCHERS
from .programs import NAMES
from .ui import say


def show_status(stack):
    """0 where all that was started runs, 1 otherwise."""
    recorded = stack.state.all()
    for name in sorted(_shown(stack, recorded), key=lambda name: name not in NAMES):  # the programs first
        state, pid = _state(stack.services[name], name in recorded)
        say(f"{name:18} {state:13} {pid or '-':>8} {stack.services[name].port or '-':>6}")
    unbounded = [stack.services[name] for name in recorded if name in stack.services and not stack.services[name].bounded]
    return 0 if unbounded and all(service.running for service in unbounded) else 1


def _shown(stack, recorded):
    """What could run; where there are labs alone, only what does, and what watches it."""
    lab_alone = any(service.optional and name in recorded for name, service in stack.services.items()) \
        and not any(name in recorded for name in stack.usual if name not in WATCHERS)
    for name, service in stack.services.items():
        by_hand = name in NAMES and service.terminal_pid
        if name in recorded or by_hand or not service.optional and (not lab_alone or name in WATCHERS):
            yield name


def _state(service, recorded):
    """(state, pid), in words for status."""
    by_hand = service.terminal_pid if service.name in NAMES else None
    if by_hand:
        return "in a terminal", by_hand
    if service.running:
        return "running" if service.ready() else "not ready", service.pid
    return ("ended" if service.bounded else "died") if recorded else "stopped", None
