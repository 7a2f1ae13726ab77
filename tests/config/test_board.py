"""The board in a headless Chromium: every panel of every dashboard, against a whole workshop; and what may go wrong."""

import json
import re
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
import requests
from browser import chromium
from conftest import ROOT
from selenium.webdriver import ActionChains, Keys
from until import until
from workshop import Stack, free_offset, uplot
from workshop.ports import free_port

DASHBOARDS = sorted(path.stem for path in (ROOT / "grafana/dashboards").glob("*.json"))
HOSTILE = '<script>window.hacked=1</script><img src=x onerror="window.hacked=1">'


@pytest.fixture(scope="module")
def chrome():
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
        dashboard = {"uid": name, "title": name, "time": {"from": "now-5m", "to": "now"}, "refresh": "", "panels": panels}
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
    return {"id": abs(hash((title, x, y))) % 10**6, "type": kind, "title": title, "gridPos": {"x": x, "y": y, "w": w, "h": h},
            "targets": [{"refId": chr(65 + i), "expr": expr, "legendFormat": legend} for i, expr in enumerate(exprs)],
            "fieldConfig": {"defaults": {"unit": unit, **defaults}}, "options": options or {}}


# Every dashboard.

@pytest.mark.parametrize("uid", DASHBOARDS)
def test_every_panel_draws(page, workshop, api, uid):
    page.open(f"{workshop.board.url}/d/{uid}?from=now-5m&to=now&refresh=5s")
    assert len(page.panels()) == len([one for one in _panels(uid) if one["type"] != "row"])
    until(lambda: not [one for one in page.panels() if not _drawn(one)] or None, 45, every=0.5)


def _panels(uid):
    return json.loads((ROOT / f"grafana/dashboards/{uid}.json").read_text())["panels"]


def _drawn(one):
    if one["state"] == "elsewhere":
        return one["note"] == "This panel needs Loki: see docs/docker.md"
    chart = one["type"] in ("timeseries", "heatmap")
    return one["state"] == "ok" and one["points"] > 0 and (one["painted"] > 20 if chart else one["values"])


@pytest.mark.parametrize("uid", ["overview", "slo"])
def test_the_numbers_are_those_of_prometheus(page, workshop, api, uid):
    end = int(time.time())
    page.open(f"{workshop.board.url}/d/{uid}?from={(end - 300) * 1000}&to={(end - 15) * 1000}")
    shown = [value for one in page.panels() for value in one["values"] if "value" in value]
    assert len(shown) >= 4
    for value in shown:
        truth = dict((json.dumps(labels, sort_keys=True), number) for labels, number in _at(api, value["expr"], value["at"]))
        expected = truth[json.dumps(json.loads(value["labels"]), sort_keys=True)]
        assert float(value["value"]) == pytest.approx(expected, rel=1e-9, abs=1e-12), value
        assert re.search(r"\d|Yes|No", value["text"]), value


def _at(api, expr, moment):
    answer = requests.get(f"{api.url}/api/v1/query", {"query": expr, "time": moment}, timeout=5).json()
    return [(row["metric"], float(row["value"][1])) for row in answer["data"]["result"]]


def test_a_charts_last_value_is_that_of_prometheus(page, workshop, api):
    end = int(time.time())
    page.open(f"{workshop.board.url}/d/overview?from={(end - 300) * 1000}&to={(end - 15) * 1000}")
    chart = next(one for one in page.panels() if one["type"] == "timeseries")
    at = (end - 15) // chart["step"] * chart["step"]
    for line in chart["legend"]:
        assert any(float(line["last"]) == pytest.approx(number) for _, number in _at(api, line["expr"], at)), line


# What is read of a panel.

UNITS = [("12.5", "reqps", None, "12.5 req/s"), ("1234567", "bytes", None, "1.18 MiB"), ("0.0123", "s", None, "12.3 ms"),
         ("0.999", "percentunit", 2, "99.90 %"), ("4321", "short", None, "4.32k"), ("90", "s", None, "1.5 min"),
         ("vector(0)/0", "none", None, "–"), ("1e300*1e300", "none", None, "∞"), ("0-5", "none", None, "−5"),
         ("1", "bool_yes_no", None, "Yes"), ("2500", "suffix:pears", None, "2,500 pears"), ("0.5", "<b>", None, "0.5 <b>")]


def test_units(page, own):
    url = own.write("units", *[panel(f"{i}", "stat", expr if "vector" in expr else f"vector({expr})", unit=unit, x=i % 4 * 6, y=i // 4 * 4, h=4, decimals=decimals)
                               for i, (expr, unit, decimals, _) in enumerate(UNITS)])
    page.open(url)
    found = {one["title"]: one["values"][0]["text"] for one in page.panels()}
    assert [found[str(i)] for i in range(len(UNITS))] == [text for *_, text in UNITS]


def test_intervals_and_legends(page, own):
    url = own.write("words", panel("rate", "stat", "vector(1)", legend="$__rate_interval ${__interval} $__range {{nothing}}",
                                   options={"textMode": "name"}),
                    panel("thresholds", "stat", "vector(5)", x=6, thresholds={"steps": [
                        {"value": None, "color": "green"}, {"value": 5, "color": "#123456"}]}),
                    panel("mapped", "stat", "vector(1)", x=12, mappings=[{"type": "value", "options": {"1": {"text": "up"}}}]),
                    panel("table", "table", 'label_replace(vector(7), "fruit", "pears", "", "")', x=18, unit="s"))
    page.open(url)
    assert page.panel("rate")["values"][0]["text"] == "20s 5s 300s "
    colour = page.run("return [...document.querySelectorAll('.stat')][1].style.getPropertyValue('--colour')")
    assert colour == "#123456" and page.panel("mapped")["values"][0]["text"] == "up"
    assert page.text("table").split() == ["fruit", "Value", "pears", "7", "s"]


def test_gaps_are_gaps_and_stacks_are_sums(page, own):
    gap = "vector(1) and on() (vector(time()) % 60 < 30)"
    url = own.write("gaps", panel("gap", "timeseries", gap, w=12),
                    panel("bridged", "timeseries", gap, w=12, x=12, custom={"spanNulls": True}),
                    panel("stack", "timeseries", "vector(1)", "vector(2)", y=6, w=12, legend="x", custom={"stacking": {"mode": "normal"}}))
    page.open(url)
    gap, bridged = page.panel("gap"), page.panel("bridged")
    assert 20 < gap["points"] < 40 and gap["points"] == bridged["points"]
    assert bridged["painted"] > 1.5 * gap["painted"] > 50


# What may go wrong.

def test_a_query_error_shows_in_its_panel_alone(page, own):
    url = own.write("broken-query", panel("wrong", "timeseries", "rate(hello_total)"), panel("right", "stat", "vector(3)", x=6),
                    panel("nothing", "stat", "no_such_series", x=12), panel("odd", "piechart", "vector(1)", x=18))
    page.open(url)
    wrong = page.panel("wrong")
    assert wrong["state"] == "error" and "expected type range vector" in wrong["note"]
    assert page.panel("right")["state"] == "ok" and page.text("#banner") == ""
    assert page.panel("nothing")["note"] == "No data in this range" and "piechart" in page.panel("odd")["note"]
    assert "400" in page.complaints()[0]  # the browser's own line about the refused query


def test_text_is_never_markup(page, own):
    metric = f"label_replace(vector(1), \"evil\", {json.dumps(HOSTILE)}, \"\", \"\")"
    kinds = ("timeseries", "stat", "bargauge", "gauge", "table", "heatmap")
    url = own.write("hostile", *[panel(HOSTILE, kind, metric, legend="{{evil}}", x=i * 4, w=4, description=HOSTILE) for i, kind in enumerate(kinds)],
                    panel("prose", "text", y=6, options={"content": f"# {HOSTILE}\n\n[a](javascript:window.hacked=1) **b** {HOSTILE}"}),
                    panel("wrong", "stat", f'{HOSTILE}', y=6, x=6), title=HOSTILE, description=HOSTILE)
    page.open(url)
    assert page.text("h1") == HOSTILE and page.text(".prose h2") == HOSTILE and HOSTILE in page.text("#menu")
    assert page.text(".legend button span") == HOSTILE and page.text(".prose strong") == "b"
    page.click(".panel-stat .info")
    assert HOSTILE in page.text("dialog")
    page.run("document.querySelector('dialog').close()")
    assert page.run("return document.querySelectorAll('#board script, #board img, #menu img, [href^=javascript]').length") == 0
    assert page.run("return window.hacked ?? null") is None
    assert all("400" in line for line in page.complaints())


def test_a_broken_file_is_named_and_the_others_work(page, own):
    url = own.write("fine", panel("one", "stat", "vector(1)"))
    own.write("again", panel("one", "stat", "vector(1)"), uid="fine")
    (own.directory / "zz-bad.json").write_text('{"uid": "zz-bad",\n "title": }')
    (own.directory / "zz-list.json").write_text("[]")
    page.open(url)
    assert page.panel("one")["state"] == "ok"
    assert "zz-bad.json, line 2, column 11" in page.text("#banner") and "zz-list.json holds no dashboard" in page.text("#banner")
    assert "its uid 'fine' is that of again.json too" in page.text("#banner")
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
        assert [(one["state"], one["values"][0]["text"]) for one in page.panels()] == [("ok", "7")] * 3
        lonely.start().wait_ready(20)
        until(lambda: page.text("#banner") == "", 15)
        assert [line for line in page.complaints() if "502" not in line] == []
    finally:
        board.end()


# Its controls.

def test_range_and_refresh(page, workshop, api):
    page.open(f"{workshop.board.url}/d/overview?refresh=off")
    first = page.panel("Queue depth")["step"]
    page.click("[data-range='6h']")
    until(lambda: page.panel("Queue depth")["step"] > 5 * first)
    assert "from=now-6h" in page.driver.current_url
    assert page.run("return document.querySelector('[data-range=\"6h\"]').ariaPressed") == "true"
    page.click("#menu a[href='/d/redis']")  # another page keeps the range
    until(lambda: "/d/redis?from=now-6h" in page.driver.current_url and page.panels())
    page.run("const s = document.querySelector('#refresh'); s.value = '5s'; s.dispatchEvent(new Event('change'))")
    page.next_beat()
    page.next_beat(8)  # the one before was that of the choice
    page.run("const s = document.querySelector('#refresh'); s.value = 'off'; s.dispatchEvent(new Event('change'))")
    page.next_beat()
    assert page.run("return new URLSearchParams(location.search).get('refresh')") == "off"


def test_zoom_cursor_and_legend(page, workshop, api):
    page.open(f"{workshop.board.url}/d/frontend?from=now-5m&refresh=off")
    chart = page.driver.find_element("css selector", ".panel-timeseries .u-over")
    ActionChains(page.driver).move_to_element(chart).perform()
    until(lambda: page.text(".panel-timeseries .tip"))
    cursors = page.run("return [...document.querySelectorAll('.u-cursor-x')].filter((c) => c.offsetParent && !c.classList.contains('u-off')).length")
    assert cursors > 4  # shared by the charts
    ActionChains(page.driver).move_to_element_with_offset(chart, -40, 0).click_and_hold().move_by_offset(90, 0).release().perform()
    until(lambda: re.search(r"from=\d+&to=\d+", page.driver.current_url))
    page.next_beat()
    page.driver.find_element("css selector", "body").send_keys(Keys.ESCAPE)
    until(lambda: "from=now-5m" in page.driver.current_url)
    page.next_beat()
    page.click(".panel-timeseries .legend button")
    pressed = page.run("return [...document.querySelector('.panel-timeseries .legend').children].map((b) => b.ariaPressed)")
    assert pressed[0] == "true" and set(pressed[1:]) == {"false"}


def test_keyboard_names_and_contrast(page, workshop, api):
    page.open(f"{workshop.board.url}/d/frontend?from=now-5m&refresh=off")
    page.run("document.querySelector('.panel-timeseries .chart').focus()")
    ActionChains(page.driver).send_keys(Keys.ARROW_LEFT, Keys.ARROW_LEFT).perform()
    until(lambda: page.text(".panel-timeseries .tip"))
    nameless = page.run("return [...document.querySelectorAll('button, select, a, [role=img]')].filter((e) => !(e.textContent || e.ariaLabel)).length")
    assert nameless == 0
    for dark in (False, True):
        page.dark(dark)
        until(lambda: [one for one in page.run(CONTRAST) if one[1] < 4.5] == [])
    page.dark(False)


CONTRAST = """
const parse = (text) => text.match(/[\\d.]+/g).map(Number);
const light = (text) => { const [r, g, b] = parse(text).slice(0, 3).map((v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
function behind(node) { for (; node; node = node.parentElement) { const c = getComputedStyle(node).backgroundColor; if ((parse(c)[3] ?? 1) === 1) return c; } return "rgb(255,255,255)"; }
const ratio = (node) => { const [a, b] = [light(getComputedStyle(node).color), light(behind(node))].sort(); return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05); };
return [...document.querySelectorAll(".brand, nav a, h1, h3, .intro p, button, select, label, .stat-value, .legend span, footer span")]
  .filter((node) => node.offsetParent).map((node) => [node.className + " " + node.textContent, ratio(node)]);
"""


def test_a_narrow_window_needs_no_sideways_scroll(page, workshop, api):
    page.size(380, 800)
    try:
        page.open(f"{workshop.board.url}/d/overview?refresh=off")
        assert page.run("return document.documentElement.scrollWidth") <= 380
    finally:
        page.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


# Alerts, from a stand-in for Prometheus, since a healthy workshop has none.

class Alarmed(BaseHTTPRequestHandler):
    ALERTS = [{"labels": {"alertname": "Watchdog", "severity": "none"}, "state": "firing", "activeAt": "2026-01-01T00:00:00Z"},
              {"labels": {"alertname": "QueueStalled", "severity": "page"}, "state": "firing", "activeAt": "2026-01-01T00:00:00Z",
               "annotations": {"summary": HOSTILE, "dashboard": "/d/backend", "runbook_url": "docs/runbooks/QueueStalled.md"}},
              {"labels": {"alertname": "Odd", "severity": "ticket"}, "state": "firing", "activeAt": "2026-01-01T00:00:00Z",
               "annotations": {"summary": "odd", "dashboard": "javascript:alert(1)", "runbook_url": "javascript:alert(1)"}},
              {"labels": {"alertname": "Soon", "severity": "page"}, "state": "pending", "activeAt": "2026-01-01T00:00:00Z"}]

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
            assert [row.split("\n")[1] for row in page.text("#alerts").split("\npage")[0:1]] == ["QueueStalled"]
            assert HOSTILE in page.text("#alerts") and "Watchdog" not in page.text("#alerts")
            links = page.run("return [...document.querySelectorAll('#alerts a')].map((a) => a.getAttribute('href'))")
            assert links == ["/d/backend", "/runbooks/QueueStalled"]
        finally:
            board.end()
            server.shutdown()


# What its server answers.

@pytest.mark.parametrize("path", ["/board/../../../etc/passwd", "/board/..%2f..%2fREADME.md", "/runbooks/../README.md", "/board/.%2e/x.js",
                                  "/runbooks/..%2f..%2fREADME.md", "/vendor/../x", "/d/../../etc/passwd", "/api/dashboards/..%2fx", "/%00"])
def test_no_path_leads_out(workshop, path):
    import http.client
    connection = http.client.HTTPConnection("127.0.0.1", workshop.board.port, timeout=5)
    connection.request("GET", path)
    assert connection.getresponse().status == 404
    connection.close()


@pytest.mark.parametrize("method, path, headers, body, status", [
    ("GET", "/", {"Host": "evil.example"}, None, 403),
    ("GET", "/", {"Host": "127.0.0.1"}, None, 403),
    ("GET", "/api/v1/query?query=1", {"Host": "evil.example:5080"}, None, 403),
    ("POST", "/api/v1/query", {"Origin": "http://evil.example"}, "query=1", 403),
    ("GET", "/api/v1/admin/tsdb/snapshot", {}, None, 403),
    ("POST", "/api/v1/admin/tsdb/delete_series", {}, "match[]=up", 403),
    ("GET", "/api/v1/query/../status/config", {}, None, 403),
    ("GET", "/api/v1/status/flags", {}, None, 403),
    ("POST", "/", {}, "x", 403),
    ("POST", "/api/v1/query", {}, "query=" + "1" * 70000, 413),
    ("DELETE", "/api/v1/query", {}, None, 501),
])
def test_what_is_refused(workshop, method, path, headers, body, status):
    kind = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
    request = requests.Request(method, workshop.board.url, headers=headers | kind, data=body).prepare()
    request.url = workshop.board.url + path
    assert requests.Session().send(request, timeout=5).status_code == status


def test_what_every_answer_says(workshop):
    answer = requests.get(workshop.board.url, timeout=5)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert {"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"} <= set(answer.headers["Content-Security-Policy"].split("; "))
    assert requests.post(workshop.board.url + "/api/v1/query", {"query": "1+1"}, timeout=5).json()["data"]["result"][1] == "2"


def test_without_a_network_the_library_is_missed_in_one_sentence(tmp_path):
    with pytest.raises(uplot.Unavailable, match="could not be fetched from http://127.0.0.1:1/.*reload the page"):
        uplot.Library(tmp_path, "http://127.0.0.1:1/uplot.tgz").file("uplot.js")


def test_another_content_than_the_pinned_is_not_used(tmp_path):
    (tmp_path / "false.tgz").write_bytes(b"not uPlot")
    with pytest.raises(uplot.Unavailable, match="SHA-512 begins with"):
        uplot.Library(tmp_path / "cache", (tmp_path / "false.tgz").as_uri()).file("uplot.js")
    assert not (tmp_path / "cache").exists()


def test_the_page_without_its_library(page, own, workshop):
    page.driver.execute_cdp_cmd("Network.enable", {})
    page.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/vendor/uplot.js"]})
    try:
        page.open(own.write("bare", panel("chart", "timeseries", "vector(1)"), panel("number", "stat", "vector(1)", x=6)))
        assert "uPlot" in page.panel("chart")["note"] and page.panel("number")["state"] == "ok"
        assert "uPlot" in page.text("#banner")
    finally:
        page.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
        page.complaints()
