"""A real Prometheus reads what the metrics library writes: OpenMetrics by its default Accept, with exemplars, and
protobuf, with native histograms. What it then answers is held against data that are known (tests/probes/metrics_probe).
"""

import contextlib
import subprocess

import pytest

from program import free_port
from room import Probe
from until import until
from workshop.prometheus import Api
from workshop.service import http_get

OBSERVED = 1000  # values 1/1000 … 1
BUCKET = 2 ** (1 / 8)  # the factor from a native bucket's lower bound to its upper one, at schema 3

CONFIG = """
global: {{scrape_interval: 500ms, scrape_timeout: 500ms}}
scrape_configs: [{{job_name: probe, static_configs: [{{targets: ["127.0.0.1:{port}"]}}]}}]
"""


@pytest.fixture(scope="module")
def probe():
    with Probe("metrics_probe") as probe:
        probe.port = int(probe.ask("port")[0])
        probe.ask(f"observe {OBSERVED}")
        yield probe


@contextlib.contextmanager
def prometheus(directory, target, feature):
    """The Api of a Prometheus with that feature, which has scraped the target."""
    port = free_port()
    config = directory / "prometheus.yml"
    config.write_text(CONFIG.format(port=target))
    with open(directory / "log", "w") as log:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", "prometheus", f"--config.file={config}",
             f"--storage.tsdb.path={directory / 'data'}", f"--web.listen-address=127.0.0.1:{port}",
             f"--enable-feature={feature}"], stdout=log, stderr=log)
    try:
        api = Api(f"http://127.0.0.1:{port}")
        until(lambda: http_get(api.url + "/-/ready")[0] == 200, 30, every=0.1)
        until(lambda: api.value("up") is not None, 30, every=0.1)
        assert api.targets() == {"probe": ("up", "")}
        yield api
    finally:
        process.terminate()
        process.wait(15)


@pytest.fixture(scope="module")
def openmetrics(probe, tmp_path_factory):
    with prometheus(tmp_path_factory.mktemp("openmetrics"), probe.port, "exemplar-storage") as api:
        yield api


@pytest.fixture(scope="module")
def protobuf(probe, tmp_path_factory):
    with prometheus(tmp_path_factory.mktemp("protobuf"), probe.port, "native-histograms") as api:
        yield api


# Each promql → value, by whichever format it came.
KNOWN = {
    "up": 1,
    "probe_observed_total": OBSERVED,
    "probe_classic_seconds_count": OBSERVED,
    "probe_classic_seconds_bucket{le='0.25'}": OBSERVED / 4,
    "probe_classic_seconds_bucket{le='+Inf'}": OBSERVED,
    "histogram_quantile(0.5, probe_classic_seconds_bucket)": 0.5,
    "probe_summary_seconds_count": OBSERVED,
    "sum(metrics_errors_total)": 0,
}


@pytest.mark.parametrize("promql", KNOWN)
@pytest.mark.parametrize("format", ["openmetrics", "protobuf"])
def test_values(request, format, promql):
    assert request.getfixturevalue(format).value(promql) == pytest.approx(KNOWN[promql], rel=1e-12)


@pytest.mark.parametrize("format", ["openmetrics", "protobuf"])
@pytest.mark.parametrize("quantile", ["0.5", "0.9"])
def test_quantiles_of_a_summary(request, format, quantile):
    value = request.getfixturevalue(format).value(f"probe_summary_seconds{{quantile='{quantile}'}}")
    assert value == pytest.approx(float(quantile), rel=0.01)


def test_the_default_accept_is_answered_with_openmetrics(openmetrics):
    """Where a counter's family is called without its _total."""
    assert set(openmetrics._get("metadata", metric="probe_observed")) == {"probe_observed"}
    assert not openmetrics._get("metadata", metric="probe_observed_total")
    assert openmetrics.kind("probe_observed_total") == "counter"
    assert openmetrics.kind("probe_classic_seconds") == "histogram"


def test_an_exemplar_is_stored(openmetrics):
    found = openmetrics._get("query_exemplars", query="probe_classic_seconds_bucket", start="0", end="4000000000")
    assert len(found) == 1
    assert found[0]["seriesLabels"]["le"] == "+Inf"  # the value 1 is above all bounds
    assert [(row["labels"], float(row["value"])) for row in found[0]["exemplars"]] == [({"trace_id": "the-last"}, 1)]


def test_protobuf_is_what_was_asked_for(protobuf):
    """The native histogram has no classic series; where a histogram has both, 2.42 takes the native one."""
    for name in ("probe_native_seconds", "probe_both_seconds"):
        assert protobuf.value(f"count({name}_bucket)") is None
        assert protobuf.value(f"histogram_count({name})") == OBSERVED


@pytest.mark.parametrize("series", ["probe_native_seconds", "probe_both_seconds"])
def test_count_and_sum_of_a_native_histogram_are_exact(protobuf, series):
    assert protobuf.value(f"histogram_count({series})") == OBSERVED
    assert protobuf.value(f"histogram_sum({series})") == pytest.approx((OBSERVED + 1) / 2, rel=1e-14)


@pytest.mark.parametrize("quantile", [0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999])
@pytest.mark.parametrize("series", ["probe_native_seconds", "probe_both_seconds"])
def test_quantiles_of_a_native_histogram_are_in_their_bucket(protobuf, series, quantile):
    value = protobuf.value(f"histogram_quantile({quantile}, {series})")
    assert quantile / BUCKET <= value <= quantile * BUCKET


@pytest.mark.parametrize("low, high", [(0, 0.5), (0.125, 0.25), (0.5, 1)])
def test_fractions_between_powers_of_two_are_exact(protobuf, low, high):
    """There bucket bounds are, which belong to the bucket below."""
    value = protobuf.value(f"histogram_fraction({low}, {high}, probe_native_seconds)")
    assert value == pytest.approx(high - low, abs=1e-12)
