"""Waiting for a quiet machine. Whatever else runs takes CPU from the contestants, and makes figures that mean little."""

import time
from pathlib import Path

LOOK = 0.2         # seconds of one look
QUIET = 0.10       # share of all cores that may be in use
PATIENCE = 60.0    # seconds that one command waits in all


class Calm:
    """wait() before each run; `busy` holds the share of the machine, in %, that others had as the runs began."""

    def __init__(self):
        self.left, self.busy = PATIENCE, []

    def wait(self):
        share = _busy_share()
        while share > QUIET and self.left > 0:
            self.left -= LOOK
            share = _busy_share()
        self.busy.append(100 * share)


def _busy_share():
    before = _jiffies()
    time.sleep(LOOK)
    used, total = (after - begin for after, begin in zip(_jiffies(), before))
    return used / total if total else 0


def _jiffies():
    """(in use, all) since the boot; what the hypervisor kept for itself counts as in use."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    idle = fields[3] + fields[4]
    return sum(fields) - idle, sum(fields)
