"""What every drill can ask for.

    drill   a whole workshop in the classroom's scale, as `./workshop up` runs it, and what its alerts do (drill.py)

WORKSHOP_DRILLS=long chooses the long form. A workshop of its own for each file, so that files can run side by side.
How long each alert took to fire and to clear is told at the end.
"""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests/integration")]

from drill import MEASURED, Drill  # noqa: E402
from workshop import Stack, free_offset  # noqa: E402


@pytest.fixture(scope="module")
def drill(tmp_path_factory):
    with Stack(ROOT, tmp_path_factory.mktemp("workshop"), port_offset=free_offset(), die_with_parent=True) as stack:
        yield Drill(stack)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """Carries what was measured to the process that sums up, where several run the tests."""
    report = (yield).get_result()
    if report.when == "call":
        report.user_properties += [(name, line) for name, line in sorted(MEASURED.items())]
        MEASURED.clear()


def pytest_terminal_summary(terminalreporter):
    rows = {name: line for reports in terminalreporter.stats.values() for report in reports
            for name, line in getattr(report, "user_properties", ())}
    for name, line in sorted(rows.items()):
        terminalreporter.write_line(f"drills: {name:24} {line}")
