"""`./workshop` in this tree, on ports of a copy of its own: what the tests of its labs type."""

import subprocess

import pytest

from conftest import ROOT
from workshop import Stack, free_offset
from workshop.ports import all_free

WATCHERS = {"prometheus", "logkeeper", "loadkeeper", "board"}


class Copy:
    def __init__(self):
        self.offset = free_offset()
        self.stack = Stack(ROOT, port_offset=self.offset)

    def __call__(self, *words, offset=None):
        """(exit status, what it said)"""
        done = subprocess.run([ROOT / "workshop", *words, "--port-offset", str(offset or self.offset)], cwd=ROOT,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
        return done.returncode, done.stdout + done.stderr

    def begin(self, *words):
        return subprocess.Popen([ROOT / "workshop", words[0], "--port-offset", str(self.offset), *words[1:]], cwd=ROOT,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def scraped(self, job):
        """port → health of the job's targets, without the offset."""
        data = self.stack.prometheus.api._get("targets", state="active") or {"activeTargets": []}
        return {int(target["labels"]["instance"].split(":")[1]) - self.offset: target["health"]
                for target in data["activeTargets"] if target["labels"]["job"] == job}

    def states(self):
        return {line.split()[0]: line[19:32].strip() for line in self("status")[1].splitlines()}


@pytest.fixture
def copy():
    made = Copy()
    yield made
    status, said = made("reset")
    assert status == 0, said
    assert all_free(made.offset)
