"""The command: packages, a release build, a private copy of the servers, the bench, and everything ended again."""

import contextlib
import resource
import shutil

from .. import build, packages, ports
from ..stack import Stack
from ..state import locked
from ..ui import Failure, step
from . import echo, growth, http, metrics, person, pipeline, traffic
from .contestants import MADE_BEFORE

BENCHES = {"http": http, "pipeline": pipeline, "traffic": traffic, "metrics": metrics,
           "echo": echo, "person": person, "growth": growth}
NAMES = tuple(BENCHES)
SECONDS = 3       # of one run
FILES = 12_000    # that a bench may have open: 10,000 connections and some


def run_bench(root, name=None, seconds=None):
    packages.ensure(packages.RUN + packages.BENCH, root / ".workshop/logs/apt.log")
    _raise_file_limit()
    with locked(root / ".workshop/lock-bench", "bench"):
        build.build(root, "release")
        build.build(root, "release", "bench")
        for bench in [BENCHES[name]] if name else BENCHES.values():
            for need in MADE_BEFORE.keys() & bench.NEEDS:
                MADE_BEFORE[need](root)
            with _private_stack(root) as stack:
                stack.start(*[name for name in bench.NEEDS if name in stack.services])
                bench.run(stack, seconds or SECONDS)


@contextlib.contextmanager
def _private_stack(root):
    """Servers of its own under .workshop/bench, on free ports, which end with this process however it ends."""
    directory = root / ".workshop/bench"
    shutil.rmtree(directory, ignore_errors=True)
    stack = Stack(root, directory, port_offset=ports.free_offset(), die_with_parent=True)
    try:
        yield stack
    except Failure:
        step(f"the logs stay in {stack.logs}")
        raise
    else:
        stack.down()
        stack.delete_data()
    finally:
        stack.down()


def _raise_file_limit():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < FILES:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(FILES, hard), hard))
