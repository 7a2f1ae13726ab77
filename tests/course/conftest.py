"""What every test of the course can ask for.

    copy     a copy of the checkout, in which ./workshop is run (copy.py); its tree is whatever the test before left
    solved   the next, with a tree in which exercises 0 and 1 are solved
    servers  the same, with PostgreSQL, Redis and RabbitMQ running on private ports
"""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from copy_of_tree import Copy  # noqa: E402
from workshop import Stack, build, free_offset  # noqa: E402


def pytest_collection_modifyitems(items):
    """A file's tests may go on where the one before left the tree, so one worker has them all; but not so the proof's."""
    for item in items:
        if item.path.stem != "test_proof":
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


@pytest.fixture(scope="session")
def copy():
    return Copy()


@pytest.fixture(scope="session")
def servers(copy):
    build.build(copy.path, "release", "frontend", "backend")
    copy.port_offset = free_offset()
    with Stack(copy.path, port_offset=copy.port_offset, die_with_parent=True) as stack:
        stack.start("postgres", "redis", "rabbitmq")
        copy.stack = stack
        yield copy
        Stack(copy.path, port_offset=copy.port_offset).down()  # what a check started, too
    stack.delete_data()


@pytest.fixture
def stack(servers):
    return servers.stack


@pytest.fixture
def solved(servers):
    """A tree with exercises 0 and 1."""
    servers.set_tree(servers.solved_up_to(2))
    return servers
