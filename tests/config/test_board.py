"""The board in a headless Chromium, against a whole workshop: every panel of every dashboard, numbers, controls."""

import json
import re
import time

import pytest
import requests
from boards import panel
from conftest import ROOT
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.support.select import Select
from until import until
from workshop.labs import LABS

# Those of the labs have nothing to draw here; tests/labs looks at them.
DASHBOARDS = sorted(path.stem for path in (ROOT / "grafana/dashboards").glob("*.json") if path.stem not in LABS)


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
    if one["type"] in ("timeseries", "heatmap"):
        visible = one["painted"] > 4
    else:
        visible = one["values"] and all(value["seen"] for value in one["values"])
    return one["state"] == "ok" and one["points"] > 0 and visible


@pytest.mark.parametrize("uid", ["overview", "slo"])
def test_the_numbers_are_those_of_prometheus(page, workshop, api, uid):
    def settled():
        """Of a range that ended some seconds ago, so that nothing is added to it; tried until something is in it."""
        end = int(time.time())
        page.open(f"{workshop.board.url}/d/{uid}?from={(end - 300) * 1000}&to={(end - 15) * 1000}")
        found = [value for one in page.panels() for value in one["values"] if "value" in value]
        return found if len(found) >= 4 else None

    shown = until(settled, 60, every=1)
    for value in shown:
        (expected,) = [number for labels, number in _at(api, value["expr"], value["at"])
                       if labels == json.loads(value["labels"])]
        assert float(value["value"]) == pytest.approx(expected, rel=1e-9, abs=1e-12), value
        assert re.search(r"\d|Yes|No", value["text"]), value


def _at(api, expr, moment):
    answer = requests.get(f"{api.url}/api/v1/query", {"query": expr, "time": moment}, timeout=5).json()
    return [(row["metric"], float(row["value"][1])) for row in answer["data"]["result"]]


def test_a_charts_last_value_is_that_of_prometheus(page, workshop, api):
    end = int(time.time())
    page.open(f"{workshop.board.url}/d/overview?from={(end - 300) * 1000}&to={(end - 15) * 1000}")
    chart = next(one for one in page.panels() if one["type"] == "timeseries")
    assert chart["legend"]
    at = (end - 15) // chart["step"] * chart["step"]
    for line in chart["legend"]:
        assert any(float(line["last"]) == pytest.approx(number) for _, number in _at(api, line["expr"], at)), line


# What is read of a panel.

UNITS = [("12.5", "reqps", None, "12.5 req/s"), ("1234567", "bytes", None, "1.18 MiB"), ("90", "s", None, "1.5 min"),
         ("0.999", "percentunit", 2, "99.90 %"), ("4321", "short", None, "4.32k"),
         ("0.0123", "s", None, "12.3 ms"), ("0/0", "none", None, "–"), ("1e300*1e300", "none", None, "∞"),
         ("0-0.0001", "percentunit", 1, "0.0 %"), ("0-5", "none", None, "−5"), ("1", "bool_yes_no", None, "Yes"),
         ("2500", "suffix:pears", None, "2,500 pears"),
         ("0.5", "<b>", None, "0.5 <b>")]


def test_units(page, own):
    page.open(own.write("units", *[panel(f"{i}", "stat", f"vector({expr})", unit=unit, x=i % 4 * 6, y=i // 4 * 4, h=4,
                                         decimals=decimals) for i, (expr, unit, decimals, _) in enumerate(UNITS)]))
    found = {one["title"]: one["values"][0]["text"] for one in page.panels()}
    assert [found[str(i)] for i in range(len(UNITS))] == [text for *_, text in UNITS]


def test_intervals_and_legends(page, own):
    url = own.write("words", panel("rate", "stat", "vector(1)", options={"textMode": "name"},
                                   legend="$__rate_interval ${__interval} $__range {{nothing}}"),
                    panel("thresholds", "stat", "vector(5)", x=6, thresholds={"steps": [
                        {"value": None, "color": "green"}, {"value": 5, "color": "#123456"}]}),
                    panel("mapped", "stat", "vector(1)", x=12,
                          mappings=[{"type": "value", "options": {"1": {"text": "up"}}}]),
                    panel("table", "table", 'label_replace(vector(7), "fruit", "pears", "", "")', x=18, unit="s"))
    page.open(url)
    assert page.panel("rate")["values"][0]["text"] == "20s 5s 300s "
    colour = page.run("return [...document.querySelectorAll('.stat')][1].style.getPropertyValue('--colour')")
    assert colour == "#123456" and page.panel("mapped")["values"][0]["text"] == "up"
    assert page.text("table").split() == ["fruit", "Value", "pears", "7", "s"]


def test_what_never_changes_is_drawn_in_the_middle_and_0_at_the_bottom(page, own):
    page.open(own.write("flat", panel("all", "stat", "vector(1)", unit="percentunit"), panel("none", "stat", "vector(0)", x=6)))
    lines = page.run("return [...document.querySelectorAll('.spark path:last-child')].map((path) => path.getAttribute('d'))")
    heights = [{float(point.split()[1]) for point in re.split("[ML]", line)[1:]} for line in lines]
    assert heights == [{21}, {38}]


def test_gaps_are_gaps(page, own):
    half = "vector(1) and on() (vector(time()) % 60 < 30)"  # there for half of each minute
    bridges = {"gap": False, "bridged": True, "up to 15 s": 15000, "up to 60 s": 60000}
    page.open(own.write("gaps", *[panel(name, "timeseries", half, w=12, x=i % 2 * 12, y=i // 2 * 6,
                                        custom={"spanNulls": span})
                                  for i, (name, span) in enumerate(bridges.items())]))
    found = {one["title"]: one for one in page.panels()}
    assert {20 < one["points"] < 40 for one in found.values()} == {True}
    assert found["gap"]["painted"] == found["up to 15 s"]["painted"] > 50
    assert found["bridged"]["painted"] == found["up to 60 s"]["painted"] > 1.5 * found["gap"]["painted"]


@pytest.mark.parametrize("mode, sums", [("normal", [[5, 2, None, 3], [1, 0, None, 3]]),
                                        ("percent", [[1, 1, None, 1], [0.2, 0, None, 1]]),
                                        ("none", [[1, None, None, 3], [4, 2, None, None]])])
def test_stacks_are_sums(page, own, mode, sums):
    page.open(own.write("stacks", panel("any", "stat", "vector(1)")))
    rows = [{"values": values, "colour": "#000000", "field": {"custom": {"stacking": {"mode": mode}}}}
            for values in ([1, None, None, 3], [4, 2, None, None])]
    found = page.driver.execute_async_script("const [rows, done] = arguments; "
                                             "import('/board/lines.js').then((m) => done(m.stacked(rows, 5)))", rows)
    assert found["columns"] == sums and len(found["bands"]) == (mode != "none")


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
    page.next_beat(lambda: choose_refresh(page, "5s"))
    page.next_beat()  # by itself
    page.next_beat(lambda: choose_refresh(page, "off"))
    assert page.run("return new URLSearchParams(location.search).get('refresh')") == "off"


def choose_refresh(page, text):
    Select(page.driver.find_element("id", "refresh")).select_by_value(text)


def test_zoom_cursor_and_legend(page, workshop, api):
    page.open(f"{workshop.board.url}/d/frontend?from=now-5m&refresh=off")
    chart = page.driver.find_element("css selector", ".panel-timeseries .u-over")
    ActionChains(page.driver).move_to_element(chart).perform()
    until(lambda: page.text(".panel-timeseries .tip"))
    assert page.run("return document.querySelectorAll('.u-cursor-x:not(.u-off)').length") > 4  # all charts share it
    drag = ActionChains(page.driver).move_to_element_with_offset(chart, -40, 0).click_and_hold()
    page.next_beat(drag.move_by_offset(90, 0).release().perform)
    assert re.search(r"from=\d+&to=\d+", page.driver.current_url)
    page.next_beat(lambda: page.driver.find_element("css selector", "body").send_keys(Keys.ESCAPE))
    assert "from=now-5m" in page.driver.current_url
    page.click(".panel-timeseries .legend button")
    pressed = page.run("return [...document.querySelector('.panel-timeseries .legend').children]"
                       ".map((button) => button.ariaPressed)")
    assert pressed[0] == "true" and set(pressed[1:]) == {"false"}


def test_keyboard_names_and_contrast(page, workshop, api):
    page.open(f"{workshop.board.url}/d/frontend?from=now-5m&refresh=off")
    page.run("document.querySelector('.panel-timeseries .chart').focus()")
    ActionChains(page.driver).send_keys(Keys.ARROW_LEFT, Keys.ARROW_LEFT).perform()
    until(lambda: page.text(".panel-timeseries .tip"))
    assert page.run("return [...document.querySelectorAll('button, select, a, [role=img]')]"
                    ".filter((node) => !(node.textContent || node.ariaLabel)).length") == 0
    for dark in (False, True):
        page.dark(dark)
        until(lambda: page.look("pale(4.5)") == [])
    page.dark(False)


def test_a_narrow_window_needs_no_sideways_scroll(page, workshop, api):
    page.size(380, 800)
    try:
        page.open(f"{workshop.board.url}/d/overview?refresh=off")
        assert page.run("return document.documentElement.scrollWidth") <= 380
    finally:
        page.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
