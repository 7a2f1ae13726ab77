"""What Prometheus sees of the labs: their series as catalogued, every PromQL that is written of them, the dashboards."""

import pytest

import queries
from asked import faults, hidden
from conftest import ROOT
from test_exposition import catalogue, exposed
from watched import shown
from workshop.labs import LABS

EVERY = ("Every program", "HTTP server")  # the sections of docs/metrics.md about what labs have in common with all programs


@pytest.fixture(scope="module")
def api(watched):
    return watched.wait().api


@pytest.fixture(params=LABS)
def lab(request):
    return request.param


def page(watched, lab):
    return watched.stack.services[lab].metrics()


# The catalogue.

def written(lab):
    """series → (type, labels with their values or None)."""
    return {name: (kind, labels) for section, name, kind, labels in
            [*(row for row in catalogue() if row[0] in EVERY), *(row for row in catalogue(labs=True) if row[0] == f"Lab {lab}")]}


def test_every_series_is_in_the_catalogue_and_the_other_way_round(watched, api, lab):
    said = {name: (kind, set(labels)) for name, (kind, labels) in exposed(page(watched, lab)).items()}
    assert said == {name: (kind, set(labels)) for name, (kind, labels) in written(lab).items()}


def test_values_of_labels_are_as_catalogued(watched, api, lab):
    said = exposed(page(watched, lab))
    for section, name, _, labels in catalogue(labs=True):
        for label, values in labels.items() if section == f"Lab {lab}" else ():
            assert values is None or said[name][1][label] == values, f"{name}: {label}"


# Every query.

@pytest.mark.parametrize("file", queries.documents(labs=True), ids=lambda file: str(file.relative_to(ROOT)))
def test_the_queries_of_a_document(api, file):
    name = str(file.relative_to(ROOT))
    assert faults(api, queries.of_markdown(file.read_text(), name)) == []
    assert hidden(api, file.read_text(), name) == []


def test_the_queries_of_the_dashboards(api):
    asked = list(queries.of_dashboards(labs=True))
    assert asked and faults(api, asked) == []


@pytest.mark.parametrize("scale", ["classroom", "production"])
def test_the_queries_of_the_rules(api, scale):
    asked = queries.of_rules(scale, labs=True)
    assert asked and faults(api, asked) == []


def test_a_wrong_name_in_a_document_is_named(api):
    said = faults(api, queries.of_markdown("```promql\nrate(syseng_http_request_total[1m])\n```", "a.md"))
    assert len(said) == 1 and "nobody has syseng_http_request_total" in said[0]


# Targets and alerts.

def test_the_labs_and_nothing_of_the_workshop_are_scraped(api):
    assert {job: health for job, (health, _) in api.targets().items()} \
        == dict.fromkeys([*LABS, "prometheus", "traffic"], "up")


def test_no_alert_fires_while_all_is_well(api):
    """Nor are there any of the workshop that does not run."""
    assert {labels["alertname"] for labels, _ in api.query('ALERTS{alertstate="firing"}')} == set()
    assert api.value('count(ALERTS{alertname="FrontendUnreachable"})') is None, "there is none that could be unreachable"


# What the exporter's dashboard shows, compared with what the source itself says.

def test_the_exporters_dashboard_tells_the_truth(watched, api):
    source = watched.statistics()
    assert 3 < shown(api, "exporter", "Requests a second")["requests"] < 40
    assert shown(api, "exporter", "Instances that are well") == {"well": 1}
    mean = source["duration"]["sum"] / source["duration"]["count"]
    assert shown(api, "exporter", "Mean time of a request")["mean"] == pytest.approx(mean, rel=0.3)
    assert shown(api, "exporter", "Requests a second, by code").keys() == source["requestCounters"].keys()
    assert 0 <= shown(api, "exporter", "Requests that fail")["failed"] < 0.06
    assert shown(api, "exporter", "Instances that tell nothing") == {"source down": 0, "exporter down": 0}
    results = shown(api, "exporter", "Questions to the sources, by result")
    assert results.pop("ok") == pytest.approx(0.2, rel=0.2) and set(results.values()) == {0}


def test_a_source_that_goes_down_is_seen_and_leaves_no_stale_value(watched, api):
    watched.say("down")
    try:
        watched.until_scraped()
        assert api.value('syseng_up{job="exporter"}') == 0
        assert api.query('{__name__=~"syseng_.+",__name__!="syseng_up"}') == []
        assert api.value('up{job="exporter"}') == 1
        assert shown(api, "exporter", "Instances that are well") == {"well": 0}
        assert shown(api, "exporter", "Instances that tell nothing") == {"source down": 1, "exporter down": 0}
    finally:
        watched.say("well")


def test_a_source_that_starts_anew_makes_no_spike(watched, api):
    watched.until_scraped()
    before = api.value("sum(rate(syseng_http_requests_total[30s]))")
    watched.say("restart")
    watched.until_scraped()
    assert 0 < api.value("sum(rate(syseng_http_requests_total[30s]))") < 2 * before + 5
    assert api.value("max(resets(syseng_http_requests_total[30s]))") == 1
