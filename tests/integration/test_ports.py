"""tools/workshop/ports.py: the offsets that tests take, so that servers of several never meet on a port."""

import itertools
import subprocess
import sys

import pytest

from place import ROOT
from workshop import free_offset, ports

ALL = [*ports.PORTS.values(), *ports.LAB_PORTS.values()]
TAKE = "import sys; sys.path.insert(0, sys.argv[1]); import workshop; print(workshop.free_offset(), flush=True); input()"


@pytest.fixture
def another():
    """The offset that another process has taken, for as long as it runs."""
    process = subprocess.Popen([sys.executable, "-c", TAKE, ROOT / "tools"], text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    yield int(process.stdout.readline())
    process.communicate("\n", timeout=10)


def test_no_two_offsets_share_a_port(another):
    offsets = [another, *(free_offset() for _ in range(12))]
    taken = [port + offset for offset in offsets for port in ALL]
    assert len(taken) == len(set(taken))


def test_all_of_an_offsets_ports_are_free(another):
    assert ports.all_free(another)


@pytest.mark.skipif(sys.platform != "linux", reason="the claim is one of Linux's abstract sockets")
def test_what_one_has_no_other_is_given(another, monkeypatch):
    left = [offset for offset in range(ports.STEP, 65536 - max(ports.PORTS.values()), ports.STEP) if offset != another]
    monkeypatch.setattr(ports, "all_free", lambda offset: offset not in left)
    with pytest.raises(RuntimeError, match="no free range"):
        free_offset()


def test_a_step_keeps_every_pair_of_ports_apart():
    for one, other in itertools.combinations(ALL, 2):
        assert (one - other) % ports.STEP
