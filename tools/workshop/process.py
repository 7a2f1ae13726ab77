"""One process of ours, known by pid and start time, so that a recycled pid is never mistaken for it.

Processes are started in a session of their own: they outlive the command, and a Ctrl-C in the terminal does
not reach them. Signals go through a pidfd whose identity was checked after it was opened.
"""

import os
import signal
import subprocess
import time
from pathlib import Path


def _stat(pid):
    """(state, parent, start time) from /proc, or None where there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text[text.rindex(")") + 2:].split()  # the name, in brackets, may hold anything
    return fields[0], int(fields[1]), int(fields[19])


class Process:
    """`popen` is there only in the command that started it; only a parent can learn the exit status."""

    def __init__(self, pid, start, popen=None):
        self.pid, self.start, self.popen = pid, start, popen

    @classmethod
    def spawn(cls, argv, log, env, cwd):
        """Starts argv detached, its output appended to the file `log`."""
        with open(log, "ab") as out:
            popen = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env, cwd=cwd,
                                     start_new_session=True)
        return cls(popen.pid, _stat(popen.pid)[2], popen)

    @classmethod
    def of(cls, pid):
        """One that runs already, such as this one."""
        return cls(pid, _stat(pid)[2])

    @property
    def alive(self):
        if self.popen is not None and self.popen.poll() is not None:
            return False
        now = _stat(self.pid)
        return now is not None and now[2] == self.start and now[0] not in "ZX"

    @property
    def listed(self):
        """Whether it is still in the process list, dead and not cleared away perhaps."""
        now = _stat(self.pid)
        return now is not None and now[2] == self.start

    @property
    def returncode(self):
        """The exit status (-N: ended by signal N), None where it runs or was started by another command."""
        return self.popen.poll() if self.popen else None

    @property
    def how_it_ended(self):
        """'SIGSEGV' or 'exit status 3' in brackets, nothing where only another command could know."""
        status = self.returncode
        if status is None:
            return ""
        return f" ({signal.Signals(-status).name if status < 0 else f'exit status {status}'})"

    def signal(self, number):
        """Sends the signal; a process that is gone is no error."""
        try:
            fd = os.pidfd_open(self.pid)
        except OSError:
            return
        try:
            if self.alive:
                signal.pidfd_send_signal(fd, number)
        except ProcessLookupError:
            pass
        finally:
            os.close(fd)

    def wait(self, timeout):
        """True once it has ended, False where it still runs after `timeout` seconds."""
        end = time.monotonic() + timeout
        while self.alive:
            if time.monotonic() >= end:
                return False
            time.sleep(0.02)
        return True

    def descendants(self):
        """Its children, their children and so on, as they are now."""
        stats = {}
        for entry in Path("/proc").glob("[0-9]*"):
            stat = _stat(entry.name)
            if stat:
                stats[int(entry.name)] = stat
        family, found = {self.pid}, []
        grew = True
        while grew:
            grew = False
            for pid, (_, parent, start) in stats.items():
                if parent in family and pid not in family:
                    family.add(pid)
                    found.append(Process(pid, start))
                    grew = True
        return found
