"""The echo lab as gRPC's own client sees it (grpcio, of the C++ core): what it answers, refuses, counts, and how it ends."""

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
import requests

from echoes import CHECK, ECHO, NOT_SERVING, SERVICE_UNKNOWN, SERVING, WATCH, call, channel, message, value
from lab import running
from until import until


@pytest.fixture(scope="module")
def echo(stack):
    with running(stack, "echo") as lab:
        yield lab


@pytest.fixture
def made(echo):
    with channel(echo.port) as opened:
        yield opened


# Calls.

@pytest.mark.parametrize("text", ["Hello", "", "é\U0001f600", "a\0b", "x" * 100_000],
                         ids=["plain", "empty", "utf8", "nul", "long"])
def test_what_is_sent_comes_back(made, text):
    assert call(made, message(text)) == ("OK", "", message(text))


def test_a_message_of_many_frames_comes_back_through_the_windows(made):
    text = "".join(chr(97 + i % 26) for i in range(4_000_000))
    assert call(made, message(text)) == ("OK", "", message(text))


def test_unknown_fields_are_no_fault(made):
    assert call(made, message("x") + b"\x10\x05") == ("OK", "", message("x"))


def test_hundreds_of_calls_at_a_time(made):
    ask = made.unary_unary(ECHO)
    pending = [ask.future(message(str(i)), timeout=10) for i in range(500)]
    assert [future.result() for future in pending] == [message(str(i)) for i in range(500)]


def test_all_at_once_from_many_channels(echo):
    def ask(i):
        with channel(echo.port) as own:
            return call(own, message(str(i)))[2]
    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(ask, range(60))) == [message(str(i)) for i in range(60)]


# Refusals.

@pytest.mark.parametrize("method", ["/echo.Echo/Nothing", "/nothing.At/All", "/"])
def test_an_unknown_method(made, method):
    assert call(made, b"", method)[:2] == ("UNIMPLEMENTED", "unknown method")


def test_a_compressed_message_is_refused_and_told_what_is_understood(made):
    with pytest.raises(grpc.RpcError) as raised:
        made.unary_unary(ECHO)(message("x" * 1000), timeout=5, compression=grpc.Compression.Gzip)
    assert raised.value.code() == grpc.StatusCode.UNIMPLEMENTED
    assert "compressed" in raised.value.details()


@pytest.mark.parametrize("body", [b"\xff", message(b"\xff\xfe"), b"\n\x05ab", message(b"\xed\xa0\x80")],
                         ids=["tag", "latin1", "cut", "surrogate"])
def test_what_is_no_message(made, body):
    assert call(made, body)[:2] == ("INTERNAL", "the request cannot be read")


def test_a_message_over_the_limit_names_both_sizes(made):
    status, text, _ = call(made, message("x" * 4_200_000))
    assert status == "RESOURCE_EXHAUSTED" and "4200005" in text and "4194304" in text


def test_the_limit_is_a_setting(run):
    small = run("echo", "--max-message", "100")
    with channel(small.port) as made:
        assert call(made, message("x" * 98))[0] == "OK"
        assert call(made, message("x" * 99))[0] == "RESOURCE_EXHAUSTED"


def test_too_many_header_fields(made):
    assert call(made, message("x"), metadata=[("much", "x" * 7_000)])[0] == "OK"
    status, text, _ = call(made, message("x"), metadata=[(f"much{i}", "x" * 4_000) for i in range(5)])
    assert status == "RESOURCE_EXHAUSTED"  # grpcio may refuse by itself, since the server says how much it takes


def test_a_stream_of_requests_is_none_of_one(made):
    with pytest.raises(grpc.RpcError) as raised:
        made.stream_unary(ECHO)(iter([message("a"), message("b")]), timeout=5)
    assert raised.value.code() == grpc.StatusCode.UNIMPLEMENTED
    assert raised.value.details() == "more than one message in the request"
    with pytest.raises(grpc.RpcError) as raised:
        made.stream_unary(ECHO)(iter([]), timeout=5)
    assert (raised.value.code(), raised.value.details()) == (grpc.StatusCode.UNIMPLEMENTED, "no message in the request")


# Failures, delays, deadlines.

def test_simulated_failures(run):
    with channel(run("echo", "--error-ratio", "1").port) as made:
        assert call(made, message("x"))[:2] == ("INTERNAL", "a simulated failure (--error-ratio)")


def test_a_share_of_the_calls_fails(run):
    lab = run("echo", "--error-ratio", "0.1")
    with channel(lab.port) as made:
        ask = made.unary_unary(ECHO)
        pending = [ask.future(message("x"), timeout=20) for _ in range(3000)]
        failed = sum(future.exception() is not None for future in pending)
    assert 200 < failed < 400  # six standard deviations either way
    assert value(lab, "muzz_echo_requests_failed_total") == failed
    assert value(lab, "muzz_echo_requests_total", method="Echo", status="INTERNAL") == failed
    assert value(lab, "muzz_echo_requests_total", method="Echo", status="OK") == 3000 - failed


def test_a_deadline_passes_at_the_server_too(run):
    lab = run("echo", "--delay", "60000")
    with channel(lab.port) as made:
        begin = time.monotonic()
        assert call(made, message("x"), timeout=0.3)[0] == "DEADLINE_EXCEEDED"
        assert time.monotonic() - begin < 5
    until(lambda: value(lab, "muzz_echo_requests_total", method="Echo", status="DEADLINE_EXCEEDED") == 1)
    assert value(lab, "grpc_open_calls") == 0


def test_a_cancelled_call_is_counted_and_forgotten(run):
    lab = run("echo", "--delay", "60000")
    with channel(lab.port) as made:
        pending = made.unary_unary(ECHO).future(message("x"))
        until(lambda: value(lab, "grpc_open_calls") == 1)
        pending.cancel()
        until(lambda: value(lab, "muzz_echo_requests_total", method="Echo", status="CANCELLED") == 1)
    assert value(lab, "grpc_open_calls") == 0


def test_a_delay_delays(run):
    lab = run("echo", "--delay", "200-210")
    with channel(lab.port) as made:
        call(made, message("x"))
    assert 0.19 < value(lab, "muzz_echo_request_duration_seconds_sum", method="Echo") < 5


# Metrics.

def test_summary_and_histogram_tell_the_same(run):
    lab = run("echo", "--delay", "5-50")
    with channel(lab.port) as made:
        ask = made.unary_unary(ECHO)
        for future in [ask.future(message("x"), timeout=20) for _ in range(300)]:
            future.result()
    name, other = "muzz_echo_request_duration_seconds", "muzz_echo_request_latency_seconds"
    until(lambda: value(lab, name + "_count", method="Echo") == 300)
    assert value(lab, other + "_count", method="Echo") == 300
    assert value(lab, name + "_sum", method="Echo") == pytest.approx(value(lab, other + "_sum", method="Echo"))
    median = value(lab, name, method="Echo", quantile="0.5")
    below = max(bound for bound in (1e-4 * 2 ** i for i in range(16)) if bound < median)
    assert value(lab, other + "_bucket", method="Echo", le=f"{below:.4f}") < 150
    assert value(lab, other + "_bucket", method="Echo", le=f"{2 * below:.4f}") >= 150


def test_all_series_are_there_from_the_start(run):
    lab = run("echo")
    for status in ("OK", "CANCELLED", "UNKNOWN", "INTERNAL", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "UNAVAILABLE",
                   "RESOURCE_EXHAUSTED"):
        for method in ("Echo", "other"):
            assert value(lab, "muzz_echo_requests_total", method=method, status=status) == 0
    assert value(lab, "muzz_echo_requests_failed_total") == 0
    assert value(lab, "grpc_connection_errors_total") == 0


# Health.

def test_health(run):
    lab = run("echo")
    with channel(lab.port) as made:
        assert call(made, b"", CHECK) == ("OK", "", SERVING)
        assert call(made, message("echo.Echo"), CHECK) == ("OK", "", SERVING)
        assert call(made, message("echo.Ech"), CHECK)[:2] == ("NOT_FOUND", "unknown service")
        assert next(made.unary_stream(WATCH)(message("nothing"), timeout=5)) == SERVICE_UNKNOWN
    assert requests.get(lab.pages + "/health", timeout=5).status_code == 200
    assert value(lab, "muzz_echo_requests_total") == 0  # who asks for the health is not among the calls


def test_a_watcher_sees_the_end(run):
    lab = run("echo")
    with channel(lab.port) as made:
        watch = made.unary_stream(WATCH)(b"", timeout=20)
        assert next(watch) == SERVING
        lab.signal(signal.SIGTERM)
        assert next(watch) == NOT_SERVING
        with pytest.raises(grpc.RpcError) as raised:
            next(watch)
        assert raised.value.code() == grpc.StatusCode.UNAVAILABLE
        assert lab.wait_exit() == 0


# The end.

def test_calls_under_way_finish(run):
    lab = run("echo", "--delay", "1000")
    with channel(lab.port) as made:
        pending = [made.unary_unary(ECHO).future(message(str(i)), timeout=10) for i in range(50)]
        until(lambda: value(lab, "grpc_open_calls") == 50)
        lab.signal(signal.SIGTERM)
        assert [future.result() for future in pending] == [message(str(i)) for i in range(50)]
    assert lab.wait_exit() == 0


def test_a_call_that_lasts_too_long_is_told(run):
    lab = run("echo", "--delay", "60000")
    with channel(lab.port) as made:
        pending = made.unary_unary(ECHO).future(message("x"), timeout=30)
        until(lambda: value(lab, "grpc_open_calls") == 1)
        lab.signal(signal.SIGTERM)
        assert pending.exception().code() == grpc.StatusCode.UNAVAILABLE
        assert pending.exception().details() == "the server shuts down"
    assert lab.wait_exit() == 0


def test_a_client_that_never_stops_loses_no_call_to_the_end(run):
    """Whatever was answered was answered with OK; what was not begun is UNAVAILABLE, never half done."""
    lab = run("echo")
    seen, over = [], threading.Event()

    def ask():
        with channel(lab.port, ("grpc.enable_retries", 0)) as made:
            while not over.is_set():
                seen.append(call(made, message("x"), timeout=5)[0])

    with ThreadPoolExecutor(4) as pool:
        askers = [pool.submit(ask) for _ in range(4)]
        until(lambda: len(seen) > 500)
        lab.signal(signal.SIGTERM)
        assert lab.wait_exit() == 0
        over.set()
        for asker in askers:
            asker.result()
    assert set(seen) <= {"OK", "UNAVAILABLE"}
