"""Lines out of the logs: what `./workshop logs --grep TEXT` shows."""

import re
from pathlib import Path

TIME = re.compile(r"^(?:\d{4}-\d\d-\d\dT)?(\d\d:\d\d:\d\d\.\d+)")  # how a line of the three programs begins


def with_text(logs, text):
    """[line] of all files that have the text in them, what was cut off them (NAME.log.1) first; those that tell their
    time in its order, so that a request's lines read as they happened, whoever wrote them."""
    found = [(_time(line), line) for log in logs for path in (Path(f"{log}.1"), Path(log)) if path.exists()
             for line in path.read_text(errors="replace").splitlines() if text in line]
    return [line for _, line in sorted(found, key=lambda pair: pair[0])]


def _time(line):
    told = TIME.match(line)
    return told[1] if told else ""
