"""Can the load's own figures be believed? Against a frontend that stops for a known second, and by a traffic that is itself
the one that stops, or that is asked for more than it can make."""

import json
import time

import pytest

from program import running

RATE = 200


@pytest.fixture
def loaded(system, tmp_path):
    """loaded("--rate", …) is traffic that runs; end(it) hands back its summary, as JSON and as text."""

    def start(*flags):
        return running(system.stack, system.place, "traffic", "--json", tmp_path / "summary", *flags,
                       env={"BASE_URL": system.frontend.url}, ready=False)

    def end(traffic):
        assert traffic.wait_exit(30) == 0
        return json.loads((tmp_path / "summary").read_text()), traffic.log_text()

    start.end = end
    return start


def stopped_for(program, seconds):
    program.pause()
    time.sleep(seconds)
    program.resume()


def test_a_second_without_the_frontend_shows(system, loaded):
    """A quarter of the requests fell into it, and waited up to a second; the rate was kept nevertheless."""
    with loaded("--rate", RATE, "--only", "fruit_get", "--duration", 4) as traffic:
        time.sleep(1.5)
        stopped_for(system.frontend, 1)
        said, text = loaded.end(traffic)
    [part] = said["scenarios"]
    assert 0.85 < part["latency_seconds"]["p99"] < 1.5
    assert part["target_rate"] == RATE and abs(part["sent_rate"] - RATE) < 0.02 * RATE
    assert abs(part["rate"] - RATE) < 0.05 * RATE and part["dropped_iterations"] == part["errors"] == 0
    assert part["schedule_error_seconds"]["p99"] < 0.1  # the second was not traffic's own
    assert 0 < said["cpu"] < 0.9 and not said["cpu_was_limit"] and "was the limit" not in text


def test_a_traffic_that_was_stopped_says_that_it_was_late(loaded):
    with loaded("--rate", RATE, "--only", "fruit_get", "--duration", 3) as traffic:
        time.sleep(1)
        stopped_for(traffic, 0.5)
        said, text = loaded.end(traffic)
    [part] = said["scenarios"]
    assert part["late"] and "traffic itself was late" in text
    assert part["schedule_error_seconds"]["p99"] > 0.3
    assert part["latency_seconds"]["p99"] > 0.3  # and counts it as its users would have


def test_a_traffic_that_cannot_make_the_rate_says_so(loaded):
    """A million a second is past what one thread can do."""
    with loaded("--rate", 1000000, "--only", "/health", "--duration", 2, "--max-in-flight", 500) as traffic:
        said, text = loaded.end(traffic)
    [part] = said["scenarios"]
    assert part["target_rate"] == 1000000 and part["sent_rate"] < 500000
    assert said["cpu_was_limit"] or part["late"]  # the former where it had a processor for itself
    assert "traffic itself was the limit" in text or "traffic itself was late" in text
