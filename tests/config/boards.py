"""What the tests of the board share; conftest.py makes the fixtures known.

    page     the browser; the test fails where the page complained on its console
    own      a board with dashboards of the test's: own.write(name, panel(...), ...) gives the address of one
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from browser import chromium
from until import until
from workshop.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = '<script>window.hacked=1</script><img src=x onerror="window.hacked=1">'


@pytest.fixture(scope="session")
def chrome():
    if not shutil.which("chromedriver"):
        pytest.skip("there is no package of Chromium and its driver here")
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(chrome):
    """The browser, from which a test must take the console's complaints where it expects any."""
    chrome.complaints()
    yield chrome
    assert chrome.complaints() == []
    chrome.run("window.stop(); document.body && delete document.body.dataset.beat")


class Own:
    """A board with dashboards of the test's, that asks a Prometheus of the test's choice."""

    def __init__(self, directory, prometheus, port=None):
        self.directory, self.port = directory, port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = subprocess.Popen([sys.executable, "-m", "workshop.boardserver", "--root", ROOT, "--port",
                                         str(self.port), "--prometheus", prometheus, "--dashboards", directory],
                                        cwd=ROOT / "tools", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(self._answers, 10)

    def _answers(self):
        try:
            return requests.get(self.url + "/api/dashboards", timeout=2).ok
        except requests.ConnectionError:
            return False

    def write(self, name, *panels, **more):
        dashboard = {"uid": name, "title": name, "time": {"from": "now-5m", "to": "now"}, "refresh": "",
                     "panels": panels}
        (self.directory / f"{name}.json").write_text(json.dumps(dashboard | more))
        return f"{self.url}/d/{name}"

    def end(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def own(api, tmp_path):
    board = Own(tmp_path, api.url)
    yield board
    board.end()


def panel(title, kind, *exprs, unit="none", legend="", x=0, y=0, w=6, h=6, options=None, **defaults):
    """A panel as Grafana writes it. `defaults` are of its fields: decimals, thresholds, custom …"""
    targets = [{"refId": chr(65 + i), "expr": expr, "legendFormat": legend} for i, expr in enumerate(exprs)]
    return {"id": x + 100 * y, "type": kind, "title": title, "gridPos": {"x": x, "y": y, "w": w, "h": h},
            "targets": targets, "fieldConfig": {"defaults": {"unit": unit, **defaults}}, "options": options or {}}
