"""A room's probe under test: a program that does on standard input's word what the room can (tests/probes)."""

import contextlib
import os
import signal
import subprocess
import threading
from collections import Counter

from program import BIN, REPORTS, SANITIZERS
from until import until


class Probe:
    """with Probe("redis_probe", url, "50") as p: p.say("cmd a 1 PING"); p.ends("a", 1)

    Leaving the block closes the client: every handle must be closed, every operation ended, nothing leaked.
    """

    def __init__(self, program, *arguments):
        self.lines, self.expected = [], {}
        self.process = subprocess.Popen(
            [str(BIN / program), *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, env={"PATH": os.environ["PATH"]} | SANITIZERS)
        self.said = []
        self._readers = [threading.Thread(target=self._read, args=pair, daemon=True)
                         for pair in ((self.process.stdout, self.lines), (self.process.stderr, self.said))]
        for reader in self._readers:
            reader.start()

    @staticmethod
    def _read(stream, into):
        for line in stream:
            into.append(line.rstrip("\n"))

    def __enter__(self):
        return self

    def __exit__(self, kind, *exception):
        try:
            if kind is None:
                self.end()
        finally:
            self.process.kill()
            self.process.wait()

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def ask(self, line, seconds=10):
        """Says a word and hands back what stands behind the same word in the answer."""
        word = line.split()[0]
        seen = len([old for old in self.lines if old.startswith(word + " ")])
        self.say(line)
        found = until(lambda: [new for new in list(self.lines) if new.startswith(word + " ")][seen:], seconds)
        return found[0].split()[1:]

    @property
    def up(self):
        return self.ask("up") == ["1"]

    def wait_up(self, seconds=5):
        until(lambda: self.up, seconds)
        return self

    @contextlib.contextmanager
    def asleep(self):
        """The probe's own process is held up, as by a machine that is overloaded or was suspended."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def lag(self):
        """How late the probe's 1 ms timer was at most since the last call, in milliseconds."""
        return float(self.ask("lag")[0])

    def all_ends(self, name):
        """[[status, …]] of the operations of that name, ended or refused."""
        return [line.split()[2:] for line in list(self.lines) if line.split()[:2] in (["end", name], ["refused", name])]

    def ends(self, name, count, seconds=10):
        """Waits for so many, and hands them back. One more than that, however late, fails the test."""
        self.expected[name] = count
        until(lambda: len(self.all_ends(name)) >= count, seconds)
        return self.all_ends(name)

    def statuses(self, name, count, seconds=10):
        return Counter(words[0] for words in self.ends(name, count, seconds))

    def value(self, series):
        """A sample of the probe's exposition, by its name and labels as they are written there."""
        seen = len(self.lines)
        self.say("metrics")
        until(lambda: "end of metrics" in self.lines[seen:])
        found = [line for line in self.lines[seen:] if line.startswith(series + " ")]
        assert found, f"there is no {series}"
        return float(found[0].split()[-1])

    def log(self, text):
        """The log lines that hold the text."""
        return [line for line in list(self.said) if text in line]

    def end(self, seconds=5):
        if self.process.poll() is None and "closed" not in self.lines:
            self.say("close")
        status = self.process.wait(seconds)
        for reader in self._readers:
            reader.join(5)
        said = "\n".join(self.said)
        assert not [report for report in REPORTS if report in said], said[-6000:]
        assert {name: len(self.all_ends(name)) for name in self.expected} == self.expected
        assert status == 0 and self.lines[-1] == "closed", f"ended with {status}:\n{said[-2000:]}"
