"""echo_client against gRPC's own server (grpcio), against ours, and against servers that are none."""

import concurrent.futures
import contextlib
import re
import signal
import socket
import subprocess
import threading
import time

import grpc
import h2.config
import h2.connection
import h2.errors
import h2.events
import pytest

from echoes import framed, message, value
from lab import BIN, SANITIZERS, free_port
from until import until

REPORTS = ("AddressSanitizer", "LeakSanitizer", "runtime error", "Assertion")


def client(port, *flags, status=0, timeout=30):
    """What echo_client printed, both streams."""
    done = subprocess.run([BIN / "echo_client", "--target", f"127.0.0.1:{port}", *map(str, flags)], text=True,
                          capture_output=True, timeout=timeout, env=SANITIZERS)
    said = done.stdout + done.stderr
    assert not any(report in said for report in REPORTS) and done.returncode == status, said
    return said


def ended(said):
    """{status: calls}"""
    return {name: int(count) for name, count in re.findall(r"^  ([A-Z_]+|\(wrong message\)) +(\d+)$", said, re.M)}


@contextlib.contextmanager
def serving(handler, port=0, grace=0, streaming=False, **more):
    """A server of grpcio whose Echo is `handler(request, context)` → bytes."""
    kind = grpc.unary_stream_rpc_method_handler if streaming else grpc.unary_unary_rpc_method_handler
    service = grpc.method_handlers_generic_handler("echo.Echo", {"Echo": kind(handler)})
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(16), options=[("grpc.so_reuseport", 0)], **more)
    server.add_generic_rpc_handlers([service])
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    try:
        yield bound
    finally:
        server.stop(grace).wait()


def echoed(request, _):
    return request


# What is sent, and what comes back.

def test_a_hundred_calls_at_once():
    seen = []
    with serving(lambda request, context: seen.append((request, dict(context.invocation_metadata()))) or request) as port:
        said = client(port)
    assert ended(said) == {"OK": 100} and said.startswith("calls     100 in ")
    assert {request for request, _ in seen} == {message("Hello")}
    assert all(fields["user-agent"].startswith("grpc-c-workshop/") for _, fields in seen)


def test_calls_are_made_at_a_time_as_asked():
    busy, most, lock = 0, 0, threading.Lock()

    def slow(request, _):
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        time.sleep(0.02)
        with lock:
            busy -= 1
        return request
    with serving(slow) as port:
        assert ended(client(port, "--calls", 40, "--concurrency", 5)) == {"OK": 40}
    assert most == 5


def test_the_message_is_a_setting():
    with serving(echoed) as port:
        assert ended(client(port, "--calls", 5, "--message", "é 100 %")) == {"OK": 5}


@pytest.mark.parametrize("answer", [message("Hallo"), b"\xff", b""], ids=["other", "garbage", "empty"])
def test_another_message_is_a_failure(answer):
    with serving(lambda *_: answer) as port:
        said = client(port, "--calls", 5, status=1)
    assert ended(said) == {"OK": 5, "(wrong message)": 5}


def test_a_status_and_its_text():
    def refuse(_, context):
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, "100 % näh\n")
    with serving(refuse) as port:
        said = client(port, "--calls", 3, status=1)
    assert ended(said) == {"FAILED_PRECONDITION": 3} and "FAILED_PRECONDITION: 100 % näh\n" in said


def test_a_service_that_is_not_there():
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(1))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    assert ended(client(port, "--calls", 3, status=1)) == {"UNIMPLEMENTED": 3}
    server.stop(0).wait()


def test_a_share_of_failures_may_be_too_much():
    count = iter(range(1000))

    def fail_every_fourth(request, context):
        return context.abort(grpc.StatusCode.INTERNAL, "no") if next(count) % 4 == 0 else request
    with serving(fail_every_fourth) as port:
        assert ended(client(port, "--fail-above-error-ratio", "0.3")) == {"OK": 75, "INTERNAL": 25}
        assert "the error ratio is 0.25" in client(port, "--fail-above-error-ratio", "0.2", status=1)


def test_an_answer_that_was_compressed_all_the_same():
    with serving(lambda *_: message("Hello" * 1000), compression=grpc.Compression.Gzip) as port:
        said = client(port, "--calls", 1, status=1)
    assert ended(said) in ({"INTERNAL": 1}, {"OK": 1, "(wrong message)": 1})  # the core may see that none was offered


def test_an_answer_over_the_limit():
    with serving(lambda *_: message("x" * 4_200_000)) as port:
        assert ended(client(port, "--calls", 2, "--deadline", 10_000, status=1)) == {"RESOURCE_EXHAUSTED": 2}


@pytest.mark.parametrize("answers", [0, 2])
def test_not_one_answer(answers):
    with serving(lambda *_: iter([message("Hello")] * answers), streaming=True) as port:
        assert ended(client(port, "--calls", 1, status=1)) == {"UNIMPLEMENTED": 1}


@contextlib.contextmanager
def refusing(times):
    """A server of python-h2 that refuses the first so many streams, which says that it has not begun them, and echoes then."""
    listener, left, seen = socket.create_server(("127.0.0.1", 0)), [times], []

    def serve():
        with contextlib.suppress(OSError):
            made = listener.accept()[0]
            peer = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
            peer.initiate_connection()
            made.sendall(peer.data_to_send())
            while data := made.recv(65536):
                for event in peer.receive_data(data):
                    if isinstance(event, h2.events.StreamEnded):
                        seen.append(event.stream_id)
                        left[0] -= 1
                        answer(peer, event.stream_id, refuse=left[0] >= 0)
                made.sendall(peer.data_to_send())

    def answer(peer, stream, refuse):
        if refuse:
            peer.reset_stream(stream, h2.errors.ErrorCodes.REFUSED_STREAM)
            return
        peer.send_headers(stream, [(":status", "200"), ("content-type", "application/grpc")])
        peer.send_data(stream, framed(message("Hello")))
        peer.send_headers(stream, [("grpc-status", "0")], end_stream=True)

    with listener:
        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1], seen


def test_a_call_that_was_not_begun_is_sent_again():
    with refusing(3) as (port, seen):
        assert ended(client(port, "--calls", 1)) == {"OK": 1}
    assert seen == [1, 3, 5, 7]


def test_a_call_that_is_never_begun_is_given_up():
    with refusing(100) as (port, seen):
        assert ended(client(port, "--calls", 1, status=1)) == {"UNAVAILABLE": 1}
    assert len(seen) == 5


# Deadlines.

def test_the_deadline_is_told_and_kept():
    told = []

    def late(request, context):
        told.append(context.time_remaining())
        time.sleep(0.5)
        return request
    with serving(late) as port:
        begin = time.monotonic()
        assert ended(client(port, "--calls", 5, "--deadline", 200, status=1)) == {"DEADLINE_EXCEEDED": 5}
        assert time.monotonic() - begin < 5
    assert all(0.1 < left <= 0.2 for left in told)


def test_without_a_deadline_none_is_told():
    told = []
    with serving(lambda request, context: told.append(context.time_remaining()) or request) as port:
        client(port, "--calls", 2, "--deadline", 0)
    assert all(left is None or left > 1e6 for left in told)


def test_a_server_that_says_nothing():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        said = client(silent.getsockname()[1], "--calls", 3, "--deadline", 200, status=1)
    assert ended(said) == {"DEADLINE_EXCEEDED": 3}


# Connections that are lost.

def test_nobody_listens():
    port = free_port()
    said = client(port, "--calls", 3, "--deadline", 300, status=1)
    assert ended(said) == {"DEADLINE_EXCEEDED": 3} and f"cannot reach 127.0.0.1:{port}" in said


def test_a_name_that_nobody_has():
    done = subprocess.run([BIN / "echo_client", "--target", "nobody.invalid:1", "--calls", "1"],
                          capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and "cannot reach nobody.invalid:1" in done.stdout


def test_what_is_no_http2():
    with socket.create_server(("127.0.0.1", 0)) as server:
        def answer():
            with contextlib.suppress(OSError):
                while True:
                    made = server.accept()[0]
                    made.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                    made.close()
        threading.Thread(target=answer, daemon=True).start()
        said = client(server.getsockname()[1], "--calls", 3, "--deadline", 2000, status=1)
    assert ended(said) == {"UNAVAILABLE": 3}


def test_it_waits_for_a_server_that_comes_late():
    port = free_port()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client, port, "--calls", 5, "--deadline", 20_000)
        time.sleep(0.3)  # so that it has been refused; if not, the test tries less, and passes
        with serving(echoed, port):
            assert ended(waiting.result()) == {"OK": 5}


def test_a_server_that_goes_and_comes_back():
    """What grpcio's server had not begun goes to the next one; some that it had, it cancels."""
    port, served = free_port(), []
    count = lambda request, _: served.append(1) or request  # noqa: E731
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        load = pool.submit(client, port, "--calls", 0, "--duration", 2, "--concurrency", 10, "--pause", "1-5",
                           "--deadline", 10_000)
        for _ in range(3):
            with serving(count, port, grace=5):
                before = len(served)
                until(lambda: len(served) > before + 50)
        with serving(count, port, grace=5):
            statuses = ended(load.result())
    assert statuses.pop("OK") > 150 and sum(statuses.values()) <= 30 and not set(statuses) - {"UNAVAILABLE", "CANCELLED"}


def test_our_own_server_goes_and_comes_back(run):
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        lab = run("echo")
        load = pool.submit(client, lab.port, "--calls", 0, "--duration", 1, "--concurrency", 50, "--deadline", 10_000)
        until(lambda: value(lab, "muzz_echo_requests_total") > 100)
        lab.signal(signal.SIGTERM)
        assert lab.wait_exit() == 0
        run("echo", port=lab.port)
        assert set(ended(load.result())) == {"OK"}  # our GOAWAY loses none


# The command.

@pytest.mark.parametrize("flags, said", [
    (("--concurrency", "0"), "--concurrency"), (("--target", "nowhere"), "--target"), (("--calls", "0"), "--duration"),
    (("--fail-above-error-ratio", "2"), "--fail-above-error-ratio"), (("--call", "5"), "--calls"),
])
def test_a_bad_setting_names_itself(flags, said):
    done = subprocess.run([BIN / "echo_client", *flags], capture_output=True, text=True, timeout=10)
    assert done.returncode == 2 and said in done.stderr


def test_an_interrupt_ends_it_with_a_summary(run):
    lab = run("echo", "--delay", "60000")
    process = subprocess.Popen([BIN / "echo_client", "--target", f"127.0.0.1:{lab.port}", "--deadline", "0"], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=SANITIZERS)
    until(lambda: value(lab, "grpc_open_calls") == 100)
    process.send_signal(signal.SIGINT)
    said, complaints = process.communicate(timeout=10)
    assert ended(said) == {"CANCELLED": 100}, said + complaints
