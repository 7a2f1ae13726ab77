"""What every test of the labs can ask for.

    stack     a copy of the workshop with nothing started, on private ports; stack.start("prometheus") starts that
    run       run("exporter", "--stats-uri", url, env={…}) starts a lab, and waits until it is ready (lab.py)

What `run` started gets SIGTERM at the end of the test, and must then end with 0 within 8 s, without any report of a
sanitizer. WORKSHOP_LABS=long chooses the long form: LONG in lab.py.
"""

import contextlib
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(Path(__file__).parent), *(str(ROOT / "tests" / group) for group in ("integration", "config", "compose")), str(ROOT / "tools")]

from lab import LONG, running  # noqa: E402
from watched import Watched  # noqa: E402
from workshop import Stack, free_offset  # noqa: E402


if not LONG:
    collect_ignore = ["test_containers.py"]


@pytest.fixture(scope="session")
def stack(tmp_path_factory):
    directory = tmp_path_factory.mktemp("stack")
    with Stack(ROOT, directory, port_offset=free_offset(), die_with_parent=True) as made:
        yield made


@pytest.fixture
def run(stack):
    with contextlib.ExitStack() as labs:
        yield lambda lab, *flags, **more: labs.enter_context(running(stack, lab, *flags, **more))


# What Prometheus sees of the labs. It takes half a minute until rates are there, so these tests begin first, all in one
# worker, and another one runs what is left meanwhile, file by file.

@pytest.hookimpl(tryfirst=True)  # before xdist looks at the groups
def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: "watched" not in item.fixturenames)
    for item in items:
        name = "watched" if "watched" in item.fixturenames else item.path.stem
        item.add_marker(pytest.mark.xdist_group(name))


@pytest.fixture(scope="session")
def watched(tmp_path_factory):
    """All labs as `./workshop lab` runs them, each with its load, and Prometheus: watched.stack, watched.api, watched.wait()."""
    with Watched(ROOT, tmp_path_factory.mktemp("watched")) as made:
        yield made
