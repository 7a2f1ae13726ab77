"""What every fault test can ask for: all that integration tests have (../integration/conftest.py), and

    system    backend and frontend in a place of their own (system.py)
    wired     the same, with a wire of each program's own before each server

Tests break the real servers of the session; each leaves them running. WORKSHOP_FAULTS=long chooses the long form,
WORKSHOP_FAULTS_SEED=N the random moments of an earlier run, which its last lines name.
"""

import importlib.util
import sys
from pathlib import Path

import pytest

INTEGRATION = Path(__file__).resolve().parents[1] / "integration"
sys.path[:0] = [str(Path(__file__).parent), str(INTEGRATION)]

# By its path: its name is that of this file.
_spec = importlib.util.spec_from_file_location("integration_conftest", INTEGRATION / "conftest.py")
_integration = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_integration)
stack, run = _integration.stack, _integration.run

from form import LONG, SEED  # noqa: E402
from place import Wires  # noqa: E402
from system import SturdyPlace, System  # noqa: E402


def pytest_terminal_summary(terminalreporter):
    terminalreporter.write_line(f"faults: the {'long' if LONG else 'short'} form, WORKSHOP_FAULTS_SEED={SEED}")


@pytest.fixture
def place(stack):
    with SturdyPlace(stack) as made:
        yield made


@pytest.fixture
def system(stack, place, tmp_path, request):
    with System(stack, place, tmp_path, **getattr(request, "param", {})) as made:
        yield made


@pytest.fixture
def wired(stack, place, tmp_path):
    with System(stack, place, tmp_path, wires=Wires) as made:
        yield made
