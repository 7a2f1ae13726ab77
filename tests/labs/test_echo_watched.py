"""What the echo lab's dashboard shows, compared with what its client was told to do and what the server itself says."""

import pytest

from echoes import value
from test_watched import api, shown  # noqa: F401


@pytest.fixture
def echo(watched, api):  # noqa: F811
    return watched.stack.services["echo"]


def test_the_tiles_tell_the_truth(api, echo):  # noqa: F811
    calls, failed = (value(echo, f"muzz_echo_requests_{which}") for which in ("total", "failed_total"))
    assert 150 < shown(api, "echo", "Calls a second")["calls"] < 400  # a hundred callers that pause 300 ms, and are answered in 25
    assert 0.05 < shown(api, "echo", "Calls that fail")["failed"] < 0.15 and 0.05 < failed / calls < 0.15
    assert 0.04 < shown(api, "echo", "99 of 100 calls end within")["p99"] < 0.11
    assert 1 <= shown(api, "echo", "Calls under way")["calls"] < 40


def test_statuses_and_connections(api, echo):  # noqa: F811
    statuses = shown(api, "echo", "Calls a second, by status")
    assert set(statuses) == {"OK", "INTERNAL"}
    assert sum(statuses.values()) == pytest.approx(shown(api, "echo", "Calls a second")["calls"], rel=0.2)
    assert shown(api, "echo", "Calls of unknown methods") == {"other": 0}
    assert shown(api, "echo", "Open connections") == {"connections": 1}
    closed = shown(api, "echo", "Connections closed for a fault")
    assert set(closed) == {"protocol", "timeout", "connections", "memory"} and not any(closed.values())
    assert 0 <= shown(api, "echo", "Processor")["of one core"] < 0.5


def test_summary_and_histogram_agree(api, echo):  # noqa: F811
    exact, guessed = shown(api, "echo", "The summary's quantiles"), shown(api, "echo", "The same from the histogram")
    assert set(exact) == set(guessed) == {"0.5", "0.9", "0.99"}
    for quantile, seconds in exact.items():
        assert seconds / 2 < guessed[quantile] < seconds * 2, quantile  # a bucket is twice as wide as the one before
        assert 0.9 * seconds < value(echo, "muzz_echo_request_duration_seconds", method="Echo", quantile=quantile) < 1.1 * seconds
    mean = shown(api, "echo", "Mean")
    assert mean["summary"] == pytest.approx(mean["histogram"]) and 0.02 < mean["summary"] < 0.04


def test_the_alert_on_failures_knows_the_lab(api):  # noqa: F811
    """A tenth fails on purpose, which nobody is called for."""
    assert api.value('ALERTS{alertname="EchoCallsFail"}') is None
