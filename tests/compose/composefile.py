"""docker-compose.yml as its readers see it: anchors resolved, ${NAME:-default} replaced."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docker-compose.yml"
VARIABLE = re.compile(r"\$\{(\w+):-([^}]*)\}")


def load(file=FILE, **variables):
    return yaml.safe_load(interpolated(file.read_text(), variables))


def interpolated(text, variables):
    return VARIABLE.sub(lambda found: variables.get(found[1]) or found[2], text)


def mounts(service):
    """(source, target) of each volume, in either of the two forms."""
    for volume in service.get("volumes", ()):
        yield tuple(volume.split(":")[:2]) if isinstance(volume, str) else (volume["source"], volume["target"])


def bytes_of(limit):
    """128m → 134217728."""
    return int(limit[:-1]) << {"k": 10, "m": 20, "g": 30}[limit[-1].lower()]
