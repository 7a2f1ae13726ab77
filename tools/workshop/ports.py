"""The ports of the workshop, who holds a port, and offsets under which all are free."""

import errno
import itertools
import os
import platform
import random
import re
import socket
from pathlib import Path

HOST = "127.0.0.1"

# Port by port as on the picture in the README. An offset shifts all of them.
PORTS = {
    "frontend": 5000,
    "backend": 5001,
    "traffic": 5002,
    "board": 5080,
    "postgres": 5432,
    "rabbitmq": 5672,
    "redis": 6379,
    "prometheus": 9090,
    "alertmanager": 9093,
    "notifications": 9095,
    "node": 9100,
    "blackbox": 9115,
    "redis-exporter": 9121,
    "postgres-exporter": 9187,
    "rabbitmq-ui": 15672,
    "rabbitmq-metrics": 15692,
    "rabbitmq-dist": 25672,
    "epmd": 25673,  # not the usual 4369: a system's own Erlang may have that one
}
# Those of the labs, which run where they are asked for alone. 50051 is what gRPC's own examples use.
LAB_PORTS = {
    "person": 7080,
    "exporter": 8081,
    "load-person": 5003,
    "load-exporter": 5004,
    "source": 8082,
    "echo": 50051,
    "echo-metrics": 50052,
}
AIRPLAY = (5000, 7000)  # where macOS listens by itself
# The labs' ports lie higher and would halve this: whoever shifts them further is told so (see number).
MAX_OFFSET = 65535 - max(PORTS.values())
MAX_LAB_OFFSET = 65535 - max(LAB_PORTS.values())


def number(name, offset=0):
    """The port of that name under an offset, None where the name has none."""
    base = PORTS.get(name, LAB_PORTS.get(name))
    return base + offset if base else None


def shifted(text, offset):
    """The text with every address of the workshop's as the copy with that offset has it."""
    return re.sub(r"\b(127\.0\.0\.1|localhost):(\d+)\b", lambda at: f"{at[1]}:{_shifted(int(at[2]), offset)}", text)


def _shifted(port, offset):
    return port + offset if port in PORTS.values() else port


def shifted_url(url, offset):
    """The address as the copy with that offset has it, where it is one of the workshop's or of a lab's."""
    at = re.fullmatch(r"(http://(?:127\.0\.0\.1|localhost)):(\d+)(/.*)?", url)
    if not at or int(at[2]) not in (*PORTS.values(), *LAB_PORTS.values()):
        return url
    return f"{at[1]}:{int(at[2]) + offset}{at[3] or ''}"


def is_free(port):
    """Whether a server could listen on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            return True
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise


def answers(port, timeout=0.5, host=HOST):
    """Whether something accepts connections on the port."""
    try:
        socket.create_connection((host, port), timeout).close()
        return True
    except OSError:
        return False


def all_free(offset):
    """Whether the workshop could run under the offset, and the labs too where it leaves them room."""
    labs = LAB_PORTS.values() if offset <= MAX_LAB_OFFSET else ()
    return all(is_free(port + offset) for port in (*PORTS.values(), *labs))


def free_port():
    """Any port that is free now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


_ALL = (*PORTS.values(), *LAB_PORTS.values())
# Two offsets that differ by a multiple of it have no port in common, whichever of theirs are compared.
STEP = next(step for step in itertools.count(2) if len({port % step for port in _ALL}) == len(_ALL))
_claims = []  # held until this process ends


def free_offset(low=2000, high=6000):
    """An offset whose ports are free, and stay so among callers: no other process is given one that shares a port with it
    while this one runs, though its servers start later."""
    offsets = list(range(low - low % STEP + STEP, high, STEP))
    random.shuffle(offsets)
    for offset in offsets:
        if all_free(offset) and _claimed(offset):
            return offset
    raise RuntimeError("no free range of ports found")


def _claimed(offset):
    """Takes the offset's name among Linux's abstract sockets, which the kernel gives back; elsewhere luck must do."""
    if platform.system() != "Linux":
        return True
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0workshop-offset-{offset}")
    except OSError:
        claim.close()
        return False
    _claims.append(claim)
    return True


def suggested_offset():
    """A round offset to type after --port-offset, or None."""
    return next((offset for offset in range(1000, MAX_OFFSET, 1000) if all_free(offset)), None)


def _listening_inodes(port):
    """Inodes of the sockets that listen on the port, from /proc/net/tcp and tcp6."""
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == "0A" and int(fields[1].rsplit(":", 1)[1], 16) == port:
                found.add(f"socket:[{fields[9]}]")
    return found


def holder_pid(port):
    """The process that listens on the port. None where there is none, or it is hidden, being another user's."""
    inodes = _listening_inodes(port)
    if not inodes:
        return None
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(os.readlink(fd) in inodes for fd in (process / "fd").iterdir()):
                return int(process.name)
        except OSError:
            continue  # gone meanwhile, or not ours to look at
    return None


def holder(port):
    """Who listens on the port, as 'name (pid N)'."""
    if platform.system() == "Darwin":  # which has no /proc
        return "AirPlay, the receiver of macOS" if port in AIRPLAY else \
            f"another program (sudo lsof -nP -iTCP:{port} -sTCP:LISTEN names it)"
    pid = holder_pid(port)
    try:
        return f"{Path(f'/proc/{pid}/comm').read_text().strip()} (pid {pid})"
    except OSError:
        return f"another user's process (sudo ss -ltnp 'sport = :{port}' names it)"
