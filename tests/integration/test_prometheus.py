"""prometheus/prometheus.yml at work: a private Prometheus scrapes the real programs, servers and exporters."""

import math
import re

import pytest

from place import FRUITS, Place
from program import running
from until import until

EXPORTERS = ("prometheus", "alertmanager", "node", "blackbox", "postgres-exporter", "redis-exporter")
JOBS = {"frontend", "backend", "traffic", "rabbitmq", "rabbitmq-queues", "node", "postgres", "redis", "blackbox",
        "prometheus", "alertmanager"}


@pytest.fixture(scope="module")
def api(stack):
    """Answers when every target was scraped, the programs' ones twice."""
    def program(name, *flags):
        ports = {"frontend": 5000, "backend": 5001, "traffic": 5002}
        return running(stack, place, name, *flags, port=ports[name] + stack.port_offset,
                       env={"BASE_URL": stack.frontend.url})

    with Place(stack) as place:
        try:
            stack.start(*EXPORTERS)
            with program("backend", "--job-delay", "10-50"), program("frontend", "--hello-delay", "1-20"), \
                    program("traffic", "--pause", "10-50"):
                api = stack.prometheus.api
                until(lambda: {health for health, _ in api.targets().values()} == {"up"}, 30, every=0.2)
                scrapes = "min(sum_over_time(up{job=~'frontend|backend|traffic'}[1m]))"
                until(lambda: (api.value(scrapes) or 0) >= 2, 30, every=0.2)
                yield api
        finally:
            stack.down(EXPORTERS)


def test_every_job_is_up_and_named_as_its_service(api):
    assert {labels["job"]: value for labels, value in api.query("up")} == {job: 1 for job in JOBS}


def test_every_interval_is_5_s(api):
    config = api._get("status/config")["yaml"]
    assert set(re.findall(r"(?:scrape|evaluation)_interval: (\S+)", config)) == {"5s"}


@pytest.mark.parametrize("series, kind", [("hello_total", "counter"), ("all_fruits", "gauge"), ("recent_fruits", "gauge"),
                                          ("http_latency", "histogram"), ("worker_job_duration_seconds", "summary"),
                                          ("traffic_request_duration_seconds", "histogram")])
def test_types(api, series, kind):
    assert api.kind(series) == kind


@pytest.mark.parametrize("query", [
    "rate(hello_total{job='frontend'}[30s])",
    "rate(fruit_requests_total[30s])",
    "sum(rate(http_requests_total{endpoint='/fruit',method='POST',code='200'}[30s]))",
    "sum(rate(worker_jobs_total{kind='fruit',result='stored'}[30s]))",
    "sum(rate(traffic_requests_total{code='200'}[30s]))",
    "rate(libuv_loop_iterations_total{job='backend'}[30s])",
])
def test_counters_move(api, query):
    assert api.value(query) > 0


@pytest.mark.parametrize("gauge", ["all_fruits", *(f"recent_fruits{{fruit='{fruit}'}}" for fruit in FRUITS)])
def test_gauges_move(api, gauge):
    assert until(lambda: api.value(f"changes({gauge}[30s])"), 15, every=0.5) > 0


@pytest.mark.parametrize("query, low, high", [
    ("histogram_quantile(0.5, sum by (le) (rate(http_latency_bucket{endpoint='/hello'}[30s])))", 0.001, 0.5),
    ("histogram_quantile(0.5, sum by (le) (rate(traffic_request_duration_seconds_bucket{endpoint='/hello'}[30s])))",
     0.001, 0.5),
    ("sum(rate(http_latency_sum[30s])) / sum(rate(http_latency_count[30s]))", 1e-6, 0.5),
])
def test_histograms_move(api, query, low, high):
    assert low < api.value(query) < high


def test_summaries_move(api):
    rows = {(labels["kind"], labels["quantile"]): value
            for labels, value in api.query("worker_job_duration_seconds{quantile=~'.+'}")}
    assert {quantile for _, quantile in rows} == {"0.5", "0.9", "0.99"}
    assert not any(math.isnan(value) for value in rows.values())
    assert 0.01 <= rows["hello", "0.5"] <= rows["hello", "0.99"] < 0.5
    assert api.value("sum(rate(worker_job_duration_seconds_count[30s]))") > 0


@pytest.mark.parametrize("query", ["probe_success", "pg_up", "redis_up", "min(amqp_connected)", "min(redis_connected)",
                                   "min(workshop_build_info)", "count(node_cpu_seconds_total{mode='idle'}) > bool 0"])
def test_what_is_one(api, query):
    assert api.value(query) == 1


def test_the_queue_is_seen_from_the_brokers_side(api):
    assert until(lambda: api.query("rabbitmq_detailed_queue_consumers{queue='task_queue'}"), 15, every=0.5)
    assert api.value("sum(rabbitmq_detailed_queue_consumers{queue='task_queue'})") >= 1


def test_nothing_was_dropped_on_the_way(api):
    """A scrape's samples are the page's lines: nothing was refused as a duplicate or as out of order."""
    for job in ("frontend", "backend", "traffic"):
        read = api.value(f"scrape_samples_scraped{{job='{job}'}}")
        assert read == api.value(f"scrape_samples_post_metric_relabeling{{job='{job}'}}") > 50
    assert api.value("sum(prometheus_target_scrapes_sample_duplicate_timestamp_total)") == 0
    assert api.value("sum(metrics_errors_total)") == 0
