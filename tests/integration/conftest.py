"""What every integration test can ask for.

    stack     the session's PostgreSQL, Redis and RabbitMQ on private ports (stack.start("prometheus") for more)
    place     a virtual host, a database and a Redis database of its own on them (place.py)
    wires     a proxy before each of the three, to disturb what a program has to do with it (proxy.py)
    run       run("backend", "--generators", "0") starts a program in the place, and waits until it is ready (program.py)

What `run` started gets SIGTERM at the end of the test, and must then end with 0 within 8 s, without any report of a
sanitizer. Several tests share one program where a module has a fixture for it.
"""

import contextlib
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
sys.path.insert(0, str(Path(__file__).parent))

from place import Place, Wires  # noqa: E402
from program import running  # noqa: E402
from workshop import Stack, free_offset  # noqa: E402


# What takes longest. Several workers share the files out as they come, and the last must not be left alone with one.
LONGEST = ("test_workshop_command", "test_amqp_room", "test_traffic", "test_backend_faults")


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST))


@pytest.fixture(scope="session")
def stack(tmp_path_factory):
    directory = tmp_path_factory.mktemp("stack")
    with Stack(ROOT, directory, port_offset=free_offset(), die_with_parent=True) as made:
        made.start("postgres", "redis", "rabbitmq")
        yield made


@pytest.fixture
def place(stack):
    with Place(stack) as made:
        yield made


@pytest.fixture(scope="module")
def shared(stack):
    """(place, frontend): one frontend and no backend, for all tests of a file that leave nothing behind."""
    with Place(stack) as place:
        place.make_schema()
        with running(stack, place, "frontend") as frontend:
            yield place, frontend


@pytest.fixture
def wires(stack):
    made = Wires(stack)
    yield made
    made.close()


@pytest.fixture
def run(stack, place):
    with contextlib.ExitStack() as programs:
        yield lambda program, *flags, **more: programs.enter_context(running(stack, place, program, *flags, **more))
