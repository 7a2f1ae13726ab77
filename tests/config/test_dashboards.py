"""The dashboards as files: whole, made of what pages/ says, and every fault in one is called by its name."""

import copy
import json
import re
import subprocess
import sys

import pytest
import yaml

from conftest import ROOT
from workshop import complaints
from workshop.complaints import SILENT
from workshop.promql import metrics, ranges, selectors

FILES = sorted((ROOT / "grafana/dashboards").glob("*.json"))
UIDS = {"overview", "frontend", "backend", "postgres", "redis", "rabbitmq", "host", "traffic", "slo", "logs", "prometheus"}


def load(path):
    return yaml.safe_load((ROOT / path).read_text())


# As committed

def test_nothing_is_wrong_with_them():
    assert complaints.complaints(ROOT) == []


def test_all_are_there():
    assert UIDS <= {file.stem for file in FILES}


def test_they_are_what_the_pages_say(tmp_path):
    """Run as a reader runs it, beside a copy of the pages."""
    copied = tmp_path / "grafana"
    subprocess.run(["cp", "-r", ROOT / "grafana", copied], check=True)
    subprocess.run([sys.executable, copied / "generate.py"], check=True, stdout=subprocess.DEVNULL)
    changed = [file.name for file in FILES if (copied / "dashboards" / file.name).read_text() != file.read_text()]
    assert not changed, "./workshop dashboards was not run after a change"
    assert {file.stem for file in (copied / "pages").glob("*.py")} <= {file.stem for file in FILES}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_page_is_readable_at_a_glance(file):
    panels = [panel for panel in json.loads(file.read_text())["panels"] if panel["type"] not in SILENT]
    assert len(panels) <= 12


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_each_description_says_what_is_normal_and_what_to_do(file):
    for panel in json.loads(file.read_text())["panels"]:
        if panel["type"] not in SILENT:
            assert re.match(r"Shows .+ Normal: .+ Otherwise: .+", panel["description"]), panel["title"]


def test_grafana_is_given_the_datasources_that_they_name():
    sources = {source["uid"]: source for source in load("grafana/provisioning/datasources/workshop.yml")["datasources"]}
    assert set(sources) == {"prometheus", "loki"} == complaints.datasources(ROOT)
    scrape = load("prometheus/prometheus.yml")["global"]["scrape_interval"]
    assert sources["prometheus"]["jsonData"]["timeInterval"] == scrape
    exemplars = sources["prometheus"]["jsonData"]["exemplarTraceIdDestinations"]
    for link in exemplars + sources["loki"]["jsonData"]["derivedFields"]:  # both lead to the page of the logs, where they fill in the variable
        uid, _, variable = link["url"].removeprefix("/d/").partition("?var-")
        page = json.loads((ROOT / f"grafana/dashboards/{uid}.json").read_text())
        assert variable.partition("=")[0] in {found["name"] for found in page["templating"]["list"]}
        assert "trace_id" in (link.get("name"), link.get("matcherRegex"))


def test_compose_gives_grafana_what_its_provisioning_asks_for():
    grafana = load("docker-compose.yml")["services"]["grafana"]
    text = "".join(file.read_text() for file in (ROOT / "grafana/provisioning").rglob("*.yml"))
    for name in ("PROMETHEUS_URL", "LOKI_URL", "DASHBOARDS", "ANSWERS"):
        assert "${" + name + "}" in text and grafana["environment"][name]
    assert "${PAGES:-./grafana/dashboards}:" + grafana["environment"]["DASHBOARDS"] + ":ro" in grafana["volumes"]
    for number in ("07", "08"):
        target = f"{grafana['environment']['ANSWERS']}/{number}"
        assert f"${{ANSWERS:-./grafana/no-answers}}/{number}:{target}:ro" in grafana["volumes"]


# What would be wrong

GOOD = json.loads((ROOT / "grafana/dashboards/overview.json").read_text())
FIRST, SECOND = GOOD["panels"][:2]
TITLE = FIRST["title"]


def complained(tmp_path, page, name="overview.json"):
    file = tmp_path / name
    file.write_text(page if isinstance(page, str) else json.dumps(page))
    return complaints.complaints(ROOT, [file])


def expression(text):
    def change(panel):
        panel["targets"][0]["expr"] = text
    return change


def without(key):
    def change(panel):
        panel.pop(key)
    return change


def setting(key, value):
    def change(panel):
        panel[key] = value
    return change


def unit(value):
    def change(panel):
        panel["fieldConfig"]["defaults"]["unit"] = value
    return change


BROKEN_PANELS = {
    "an unknown metric": (expression("rate(htp_requests_total[$__rate_interval])"), "no series is called htp_requests_total"),
    "a metric of an operand": (expression("up / on (job) upp"), "no series is called upp"),
    "no unit": (unit(None), "has no unit"),
    "a unit that Grafana has not": (unit("requests"), "no unit 'requests'"),
    "no description": (without("description"), "has no description"),
    "no title": (setting("title", ""), "has no title"),
    "an unknown datasource": (setting("datasource", {"type": "prometheus", "uid": "prom"}), "no datasource has the uid 'prom'"),
    "a type that nobody draws": (setting("type", "piechart"), "a panel of type 'piechart' cannot be drawn"),
    "logs elsewhere": (setting("type", "logs"), "a panel of type 'logs' cannot be drawn"),
    "no query": (setting("targets", []), "has no query"),
    "an empty query": (expression(" "), "query A is empty"),
    "no legend": (lambda panel: panel["targets"][0].update(legendFormat=""), "query A has no legend"),
    "an unknown variable": (expression('up{job="$program"}'), "there is no variable $program"),
    "a host": (expression('up{instance="127.0.0.1:5000"}'), "a query names a host"),
    "two queries of one name": (lambda panel: panel["targets"].append(panel["targets"][0]), "two queries have the refId 'A'"),
    "too far right": (setting("gridPos", {"x": 20, "y": 90, "w": 8, "h": 4}), "has no place in the 24 columns"),
}


@pytest.mark.parametrize("change, sentence", BROKEN_PANELS.values(), ids=BROKEN_PANELS)
def test_a_fault_in_a_panel_is_named_with_file_and_panel(tmp_path, change, sentence):
    page = copy.deepcopy(GOOD)
    change(page["panels"][0])
    said = complained(tmp_path, page)
    title = page["panels"][0]["title"] or 1  # one without a title goes by its number
    assert [text for text in said if sentence in text], said
    assert all(text.startswith("overview.json") and f"panel '{title}'" in text for text in said)


def test_a_range_that_does_not_follow_the_graph_is_named(tmp_path):
    page = copy.deepcopy(GOOD)
    graph = next(panel for panel in page["panels"] if panel["type"] == "timeseries")
    graph["targets"][0]["expr"] = "rate(hello_total[1m])"
    assert complained(tmp_path, page) == [f"overview.json, panel '{graph['title']}': the range [1m] does not follow the "
                                          "graph's time: [$__rate_interval] does"]


def test_panels_that_lie_over_each_other_are_named(tmp_path):
    page = copy.deepcopy(GOOD)
    page["panels"][1]["gridPos"] = page["panels"][0]["gridPos"]
    assert complained(tmp_path, page) == [f"overview.json: panel '{page['panels'][1]['title']}' lies over '{TITLE}'"]


BROKEN_PAGES = {
    "a uid that is not the file's name": ({"uid": "other"}, "its uid is 'other'"),
    "no title": ({"title": ""}, "has no title"),
    "an old schema": ({"schemaVersion": 16}, "schemaVersion is 16"),
    "no panels": ({"panels": []}, "has no panels"),
    "two panels of one name": ({"panels": [FIRST, SECOND | {"title": TITLE}]}, f"two panels are called '{TITLE}'"),
    "two panels of one id": ({"panels": [FIRST, SECOND | {"id": 1}]}, "two panels have the id '1'"),
}


@pytest.mark.parametrize("change, sentence", BROKEN_PAGES.values(), ids=BROKEN_PAGES)
def test_a_fault_in_a_page_is_named_with_its_file(tmp_path, change, sentence):
    said = complained(tmp_path, GOOD | change)
    assert len(said) == 1 and said[0].startswith("overview.json: ") and sentence in said[0]


def test_two_pages_of_one_uid_are_named(tmp_path):
    files = [tmp_path / "overview.json", tmp_path / "copy.json"]
    for file in files:
        file.write_text(json.dumps(GOOD))
    assert "overview.json and copy.json: have the same uid 'overview'" in complaints.complaints(ROOT, files)


def test_what_is_no_json_is_named(tmp_path):
    assert complained(tmp_path, "{")[0].startswith("overview.json: is no JSON: ")


def test_what_is_not_there_is_named(tmp_path):
    assert complaints.complaints(ROOT, [tmp_path / "mine.json"]) == ["mine.json: cannot be read: No such file or directory"]


def test_what_is_no_dashboard_is_named(tmp_path):
    assert complained(tmp_path, "[]") == ["overview.json: is no dashboard: it must be an object"]
    text = '{"panels": [{"gridPos": {"x": "a"}}]}'
    assert complained(tmp_path, text) == ["overview.json: is no dashboard: panels[0].gridPos.x must be a whole number"]


def test_whatever_stands_anywhere_in_it_the_checker_does_not_fall_over(tmp_path):
    small = GOOD | {"panels": GOOD["panels"][:2]}
    for path in list(paths(small)):
        for value in (None, 3, "a", [], {}, [3], [{}], {"a": 1}, True):
            page = {"": copy.deepcopy(small)}
            holder = page
            for key in path[:-1]:
                holder = holder[key]
            holder[path[-1]] = value
            complained(tmp_path, page[""])


def paths(node, so_far=("",)):
    """The way to each part of a document."""
    yield so_far
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield from paths(value, (*so_far, key))


def test_the_command_says_it_and_fails(tmp_path):
    page = copy.deepcopy(GOOD)
    page["panels"][0]["targets"][0]["expr"] = "htp"
    (tmp_path / "overview.json").write_text(json.dumps(page))
    done = subprocess.run([ROOT / "workshop", "dashboards", tmp_path / "overview.json"], capture_output=True, text=True)
    assert done.returncode == 1 and f"overview.json, panel '{TITLE}': no series is called htp" in done.stdout + done.stderr
    done = subprocess.run([ROOT / "workshop", "dashboards", *FILES], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "nothing is wrong\n")


# How expressions are read

@pytest.mark.parametrize("text, names", {
    'rate(a{b="c"}[1m])': {"a"},
    "sum by (le, job) (rate(a:b_c[5m:1m] offset 5m)) / on (job) group_left (x) d": {"a:b_c", "d"},
    "histogram_quantile(.5, sum(rate(x[1m])) without (instance))": {"x"},
    "count without (job) (a) > bool 1e3 unless b and c @ end()": {"a", "b", "c"},
    'a{x="} b {", y=~"c|d"} or vector(0)': {"a"},
    '{__name__=~"a.*"}': set(),
    'label_replace(a, "b", "$1", "c", "(.*)")': {"a"},
    "sum(a) + count(b) by (c)": {"a", "b"},
}.items())
def test_the_names_of_series_are_found(text, names):
    assert metrics(text) == names


def test_selectors_and_ranges_are_found():
    assert selectors('rate(a{b="c"}[1m]) / d') == ['a{b="c"}', "d"]
    assert ranges("rate(a[$__rate_interval]) + max_over_time(b[5m:1m])") == ["$__rate_interval", "5m"]
