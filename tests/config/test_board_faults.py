"""The board where something is wrong: a query, a file, Prometheus, hostile texts; and alerts that fire."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
import requests
from boards import HOSTILE, Own, panel
from conftest import ROOT
from until import until
from workshop import Stack, free_offset
from workshop.ports import free_port

def test_a_query_error_shows_in_its_panel_alone(page, own):
    url = own.write("broken-query", panel("wrong", "timeseries", "rate(hello_total)"),
                    panel("right", "stat", "vector(3)", x=6), panel("nothing", "stat", "no_such_series", x=12),
                    panel("odd", "piechart", "vector(1)", x=18))
    page.open(url)
    wrong = page.panel("wrong")
    assert wrong["state"] == "error" and "expected type range vector" in wrong["note"]
    assert page.panel("right")["state"] == "ok" and page.text("#banner") == ""
    assert page.panel("nothing")["note"] == "No data in this range" and "piechart" in page.panel("odd")["note"]
    assert "400" in page.complaints()[0]  # the browser's own line about the refused query


def test_text_is_never_markup(page, own):
    metric = f"label_replace(vector(1), \"evil\", {json.dumps(HOSTILE)}, \"\", \"\")"
    kinds = ("timeseries", "stat", "bargauge", "gauge", "table", "heatmap")
    prose = f"# {HOSTILE}\n\n[a](javascript:window.hacked=1) **b** {HOSTILE}"
    panels = [panel(HOSTILE, kind, metric, legend="{{evil}}", x=i * 4, w=4) for i, kind in enumerate(kinds)]
    panels += [panel("prose", "text", y=6, options={"content": prose}), panel("wrong", "stat", HOSTILE, y=6, x=6)]
    url = own.write("hostile", *[one | {"description": HOSTILE} for one in panels], title=HOSTILE, description=HOSTILE)
    page.open(url)
    assert page.text("h1") == HOSTILE and page.text(".prose h2") == HOSTILE and HOSTILE in page.text("#menu")
    assert page.text(".legend button span") == HOSTILE and page.text(".prose strong") == "b"
    page.click(".panel-stat .info")
    assert HOSTILE in page.text("dialog")
    page.click("dialog button")
    made = "#board script, #board img, #menu script, #menu img, dialog img, [href^=javascript]"
    assert page.driver.find_elements("css selector", made) == []
    assert page.run("return window.hacked ?? null") is None
    assert all("400" in line for line in page.complaints())


def test_a_broken_file_is_named_and_the_others_work(page, own):
    url = own.write("fine", panel("one", "stat", "vector(1)"))
    own.write("again", panel("one", "stat", "vector(1)"), uid="fine")
    (own.directory / "zz-bad.json").write_text('{"uid": "zz-bad",\n "title": }')
    (own.directory / "zz-list.json").write_text("[]")
    page.open(url)
    assert page.panel("one")["state"] == "ok"
    said = page.text("#banner")
    assert "zz-bad.json, line 2, column 11" in said and "zz-list.json holds no dashboard" in said
    assert "its uid 'fine' is that of again.json too" in said
    page.open(f"{own.url}/d/zz-bad")
    assert "zz-bad.json, line 2" in page.text("#board") and "500" in page.complaints()[0]


def test_an_edited_file_shows_on_reload(page, own):
    page.open(own.write("edit", panel("before", "stat", "vector(1)")))
    page.open(own.write("edit", panel("after", "stat", "vector(1)")))
    assert [one["title"] for one in page.panels()] == ["after"]


@pytest.fixture
def lonely(tmp_path):
    """A Prometheus alone, which a test may stop."""
    with Stack(ROOT, tmp_path / "lonely", port_offset=free_offset(), die_with_parent=True) as stack:
        yield stack.start("prometheus").prometheus


def test_prometheus_stopped_and_back(page, lonely, tmp_path):
    board = Own(tmp_path, lonely.url)
    try:
        page.open(board.write("alone", *[panel(f"{i}", "stat", "vector(7)", x=i * 6) for i in range(3)], refresh="5s"))
        lonely.stop()
        page.click(".now")
        until(lambda: "does not answer" in page.text("#banner"))
        assert page.text("#banner").count("Prometheus at") == 1  # said once, not in each panel
        assert "What is shown is from before" in page.text("#banner") and severity(page) == "unknown"
        assert [(one["state"], one["values"][0]["text"]) for one in page.panels()] == [("ok", "7")] * 3
        lonely.start().wait_ready(20)
        until(lambda: page.text("#banner") == "", 15)
        until(lambda: page.text(".alarm") == told(lonely), 10)  # alone, it may miss the frontend
        assert severity(page) == "quiet"
        assert [line for line in page.complaints() if "502" not in line] == []
    finally:
        board.end()


def told(prometheus):
    """What the board must say of its alerts while none fires but the watchdog."""
    alerts = requests.get(prometheus.url + "/api/v1/alerts", timeout=5).json()["data"]["alerts"]
    states = [one["state"] for one in alerts if one["labels"]["severity"] != "none"]
    assert "firing" not in states
    return f"{len(states)} pending" if states else "No alerts"


def severity(page):
    """What colours the dot of the alerts."""
    return page.run("return document.querySelector('.alarm').dataset.severity")


def test_without_prometheus_nothing_is_from_before_and_nothing_is_green(page, tmp_path):
    board = Own(tmp_path, f"http://127.0.0.1:{free_port()}")
    try:
        page.open(board.write("alone", panel("p", "stat", "vector(7)")))
        assert "Trying again" in page.text("#banner") and "before" not in page.text("#banner")
        assert page.text(".alarm") == "Alerts: unknown" and severity(page) == "unknown"
        assert [line for line in page.complaints() if "502" not in line] == []
    finally:
        board.end()


# Alerts, from a stand-in for Prometheus, since a healthy workshop has none.

def alert(name, severity, state="firing", **annotations):
    return {"labels": {"alertname": name, "severity": severity}, "state": state, "annotations": annotations,
            "activeAt": "2026-01-01T00:00:00Z"}


class Alarmed(BaseHTTPRequestHandler):
    ALERTS = [alert("Watchdog", "none"), alert("Soon", "page", "pending"),
              alert("Odd", "ticket", dashboard="javascript:alert(1)", runbook_url="javascript:alert(1)"),
              alert("QueueStalled", "page", summary=HOSTILE, dashboard="/d/backend",
                    runbook_url="docs/runbooks/QueueStalled.md")]

    def do_GET(self):
        data = {"alerts": self.ALERTS} if self.path == "/api/v1/alerts" else {"resultType": "matrix", "result": []}
        body = json.dumps({"status": "success", "data": data}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


def test_alerts_lead_to_dashboard_and_runbook(page, tmp_path):
    with ThreadingHTTPServer(("127.0.0.1", 0), Alarmed) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        board = Own(tmp_path, f"http://127.0.0.1:{server.server_port}")
        try:
            page.open(board.write("alone", panel("p", "stat")))
            assert page.text(".alarm") == "2 alerts firing"
            page.click(".alarm")
            rows = page.run("return [...document.querySelectorAll('[data-alert]')].map((row) => row.dataset.alert)")
            assert rows == ["QueueStalled", "Odd"]  # what pages comes first; the watchdog is no alert
            assert HOSTILE in page.text("#alerts")
            links = page.run("return [...document.querySelectorAll('#alerts a')].map((a) => a.getAttribute('href'))")
            assert links == ["/d/backend", "/runbooks/QueueStalled"]
        finally:
            board.end()
            server.shutdown()


def test_the_page_without_its_library(page, own, workshop):
    page.driver.execute_cdp_cmd("Network.enable", {})
    page.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/vendor/uplot.js"]})
    try:
        page.open(own.write("bare", panel("chart", "timeseries", "vector(1)"),
                            panel("number", "stat", "vector(1)", x=6)))
        assert "uPlot" in page.panel("chart")["note"] and page.panel("number")["state"] == "ok"
        assert "uPlot" in page.text("#banner")
    finally:
        page.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
        page.complaints()
