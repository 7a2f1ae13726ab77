"""The echo lab and a peer that knows HTTP/2 well enough to misuse it: cut messages, floods, silence, nonsense."""

import signal
import socket
import struct
import time

import h2.errors
import h2.events
import h2.exceptions
import h2.settings
import pytest

from echoes import ECHO, FIELDS, PATIENCE, Peer, call, channel, framed, message, resident_mb, value
from lab import BIN, LONG, running
from until import until

SANITIZED = b"__asan_init" in (BIN / "echo").read_bytes()  # whose freed memory is kept for a while
GROWTH_MB = 48  # that no peer may cause: less than the 64 of messages that the server may hold


@pytest.fixture(scope="module")
def echo(stack):
    with running(stack, "echo") as lab:
        yield lab


@pytest.fixture
def peer(echo):
    with Peer(echo.port) as made:
        yield made.begin()


def still_serves(echo):
    with channel(echo.port) as made:
        return call(made, message("still there"))[0] == "OK"


# Framing.

def test_a_message_cut_anywhere(peer):
    body = framed(message("cut to pieces"))
    stream = peer.ask(b"", end=False)
    for i in range(len(body)):
        peer.h2.send_data(stream, body[i:i + 1], end_stream=i == len(body) - 1)
        peer.flush()
    assert peer.status(stream) == 0
    data = b"".join(event.data for event in peer.events if isinstance(event, h2.events.DataReceived))
    assert data == body


def test_empty_data_frames_are_no_message(peer):
    stream = peer.ask(b"", end=False)
    for _ in range(50):
        peer.h2.send_data(stream, b"")
    peer.h2.send_data(stream, framed(message("x")), end_stream=True)
    peer.flush()
    assert peer.status(stream) == 0


@pytest.mark.parametrize("body, status", [
    (b"\0\0\0", 13), (framed(b"12345")[:-1], 13), (framed(b"") + b"\0", 12), (framed(b"") * 2, 12), (b"", 12),
    (framed(b"", 1), 12), (framed(b"", 2), 13), (framed(b"", 0x80), 13), (b"\0\xff\xff\xff\xff", 8),
], ids=["half a prefix", "half a message", "a byte more", "two", "none", "compressed", "flags", "high flag", "4 GiB"])
def test_a_request_that_is_not_one_message(peer, body, status):
    stream = peer.ask(body)
    fields = peer.fields(stream)
    assert int(fields["grpc-status"]) == status and fields["grpc-message"]
    assert fields[":status"] == "200" and fields["content-type"] == "application/grpc"


def test_a_refusal_does_not_wait_for_the_rest(peer):
    stream = peer.ask(b"\0\xff\xff\xff\xff", end=False)
    reset = peer.until(lambda event: isinstance(event, h2.events.StreamReset))
    assert peer.status(stream) == 8 and reset.error_code == 0


def test_status_stands_in_the_trailers(peer):
    stream = peer.ask()
    assert peer.status(stream) == 0
    first = [event for event in peer.events if isinstance(event, h2.events.ResponseReceived)][0]
    assert "grpc-status" not in dict(first.headers)


@pytest.mark.parametrize("name, wrong, status", [
    (":method", "GET", "405"), ("content-type", "application/json", "415"), ("content-type", "application/grpcweb", "415"),
])
def test_what_is_no_grpc_gets_an_http_status(peer, name, wrong, status):
    stream = peer.ask(fields=[(key, wrong if key == name else given) for key, given in FIELDS])
    assert peer.fields(stream)[":status"] == status


@pytest.mark.parametrize("field, status", [
    ("100m", 0), ("0m", 4), ("1", 13), ("99999999H", 0), ("1s", 13), ("-5m", 13), ("123456789m", 13)])
def test_timeouts(peer, field, status):
    stream = peer.ask(b"", ("grpc-timeout", field), end=False)
    if status == 0:
        peer.h2.send_data(stream, framed(message("x")), end_stream=True)
        peer.flush()
    assert peer.status(stream) == status


def test_a_deadline_passes_while_the_message_comes(peer):
    begin = time.monotonic()
    stream = peer.ask(framed(message("x"))[:3], ("grpc-timeout", "200m"), end=False)
    assert peer.status(stream) == 4
    assert 0.19 <= time.monotonic() - begin < 5


def test_fields_beyond_the_limit(peer):
    stream = peer.ask(framed(b""), *((f"x-{i}", "y" * 1000) for i in range(20)))
    assert peer.status(stream) == 8
    assert peer.status(peer.ask()) == 0


# Flow control.

def test_an_answer_waits_for_the_window(echo):
    with Peer(echo.port) as peer:
        peer.begin(INITIAL_WINDOW_SIZE=10)
        stream = peer.ask(framed(message("x" * 100)))
        peer.until(lambda event: isinstance(event, h2.events.DataReceived))
        assert peer.status(stream) == 0  # read() gives back what it took, ten bytes at a time
        data = [event.data for event in peer.events if isinstance(event, h2.events.DataReceived)]
        assert b"".join(data) == framed(message("x" * 100)) and max(map(len, data)) <= 10


def send_slowly(peer, body):
    """As the server opens its window; what it refuses on the way is not sent to the end."""
    stream = peer.ask(b"", end=False)
    refused = lambda: any(isinstance(event, h2.events.StreamReset) and event.stream_id == stream  # noqa: E731
                          for event in peer.events)
    for at in range(0, len(body), 16384):
        while not refused() and peer.h2.local_flow_control_window(stream) < 16384:
            peer.read()
        if refused():
            return
        peer.h2.send_data(stream, body[at:at + 16384], end_stream=at + 16384 >= len(body))
        peer.flush()


def test_a_client_that_opens_no_window_holds_a_bounded_amount(echo):
    """Each of its calls is answered, none of the answers taken: past the bound they are refused instead."""
    before, calls, size = resident_mb(echo), 300, 500_000
    with Peer(echo.port) as peer:
        peer.begin(INITIAL_WINDOW_SIZE=0)
        peer.until(lambda event: isinstance(event, h2.events.RemoteSettingsChanged))
        for _ in range(calls):
            send_slowly(peer, framed(message("x" * size)))
        most = 64 * 2 ** 20 // size + 1
        refused = lambda: [event for event in peer.events if isinstance(event, h2.events.ResponseReceived)  # noqa: E731
                           and dict(event.headers).get("grpc-status") == "8"]
        while len(refused()) < calls - most:
            peer.read()
        assert most - 2 <= value(echo, "grpc_open_calls") <= most
        assert SANITIZED or resident_mb(echo) - before < 64 + GROWTH_MB
    until(lambda: value(echo, "grpc_open_calls") == 0)
    assert still_serves(echo)


def flood(echo, pieces):
    """Sends without reading until the server takes no more, or closes; the most that the server grew by."""
    before = most = resident_mb(echo)
    with Peer(echo.port) as peer:
        peer.begin()
        peer.socket.settimeout(1)
        try:
            for i, piece in enumerate(pieces):
                peer.socket.sendall(piece)
                if i % 50 == 0:
                    most = max(most, resident_mb(echo))
        except OSError:
            pass
    return max(most, resident_mb(echo)) - before


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


@pytest.mark.parametrize("piece", [
    frame(6, payload=b"12345678"), frame(4), frame(4, payload=struct.pack(">HI", 1, 100) * 5),
    frame(8, payload=b"\0\0\0\1"), frame(0xbb, payload=b"unknown"),
], ids=["pings", "settings", "table sizes", "windows", "unknown frames"])
def test_a_flood_that_nobody_reads_the_answers_to(echo, piece):
    assert flood(echo, (piece * 1000 for _ in range(400))) < GROWTH_MB or SANITIZED
    assert still_serves(echo)


def test_calls_that_are_reset_at_once(echo):
    """"Rapid reset", CVE-2023-44487: nghttp2 ends the connection after a thousand; other connections do not notice."""
    begun = value(echo, "muzz_echo_requests_total")
    with Peer(echo.port) as peer:
        peer.begin()
        for _ in range(3000):
            stream = peer.ask(b"", end=False)
            peer.h2.reset_stream(stream, h2.errors.ErrorCodes.CANCEL)
        peer.flush()
        peer.until(lambda event: isinstance(event, h2.events.ConnectionTerminated))
    until(lambda: value(echo, "grpc_open_connections") == 0)
    assert value(echo, "grpc_open_calls") == 0
    assert value(echo, "muzz_echo_requests_total") - begun < 2000
    assert still_serves(echo)


def test_header_blocks_without_an_end(echo):
    first = frame(1, 0, 1, bytes.fromhex("8386"))  # POST, http; no END_HEADERS
    grew = flood(echo, [first, *(frame(9, 0, 1, b"\0\1a\1b" * 2000) for _ in range(500))])
    assert (grew < GROWTH_MB or SANITIZED) and still_serves(echo)


def test_more_streams_than_allowed(echo):
    with Peer(echo.port) as peer:
        peer.begin()
        peer.until(lambda event: isinstance(event, h2.events.RemoteSettingsChanged))
        for _ in range(1000):
            peer.ask(b"", end=False)
        until(lambda: value(echo, "grpc_open_calls") == 1000)
        assert still_serves(echo)
        with pytest.raises(h2.exceptions.TooManyStreamsError):
            peer.ask(b"", end=False)
        peer.h2.remote_settings.max_concurrent_streams = 5000  # it does so all the same
        peer.h2.remote_settings.acknowledge()
        peer.ask(b"", end=False)
        assert peer.until(lambda event: isinstance(event, h2.events.ConnectionTerminated)).error_code != 0
    until(lambda: value(echo, "grpc_open_calls") == 0)
    assert still_serves(echo)


# What is no HTTP/2.

@pytest.mark.parametrize("bytes_", [
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\0" * 100, b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", b"\x16\x03\x01\x02\0\x01\0",
    b"\xff" * 70_000], ids=["http1", "nul", "preface", "tls", "ones"])
def test_garbage_ends_the_connection_alone(echo, bytes_):
    before = value(echo, "grpc_connection_errors_total", reason="protocol")
    with socket.create_connection(("127.0.0.1", echo.port), timeout=PATIENCE) as raw:
        try:
            raw.sendall(bytes_)
            while raw.recv(4096):
                pass
        except ConnectionError:
            pass
    until(lambda: value(echo, "grpc_connection_errors_total", reason="protocol") == before + 1)
    assert still_serves(echo)


@pytest.mark.parametrize("bad", [
    frame(0, 0, 1, b"x"), frame(1, 4, 0, b"\x83"), frame(0, 0, 0, b"x"), frame(6, payload=b"1"),
    frame(1, 4, 1, b"\xff\xff\xff\xff\xff"), frame(4, payload=b"12345"), frame(8, payload=b"\0\0\0\0"),
    struct.pack(">I", 2 ** 24 - 1)[1:] + b"\0\0\0\0\0\1"],
                         ids=["idle", "headers 0", "data 0", "ping", "hpack", "settings", "window", "huge"])
def test_a_breach_is_answered_with_goaway(echo, bad):
    before = value(echo, "grpc_connection_errors_total", reason="protocol")
    with Peer(echo.port) as peer:
        peer.begin()
        peer.socket.sendall(bad)
        gone = peer.until(lambda event: isinstance(event, h2.events.ConnectionTerminated))
        assert gone.error_code != 0
        peer.until_closed()
    assert value(echo, "grpc_connection_errors_total", reason="protocol") == before + 1
    assert still_serves(echo)


def test_who_connects_and_goes(echo):
    for _ in range(50):
        socket.create_connection(("127.0.0.1", echo.port), timeout=PATIENCE).close()
    until(lambda: value(echo, "grpc_open_connections") == 0)


def test_a_connection_reset_in_the_midst_of_calls(echo):
    for _ in range(20):
        with Peer(echo.port) as peer:
            peer.begin()
            for _ in range(20):
                peer.ask(framed(message("x" * 1000))[:500], end=False)
            peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    until(lambda: value(echo, "grpc_open_calls") == 0)
    assert still_serves(echo)


@pytest.mark.skipif(not LONG, reason="takes eleven seconds; the long form does it")
def test_silence_is_not_waited_for(echo):
    before = value(echo, "grpc_connection_errors_total", reason="timeout")
    with socket.create_connection(("127.0.0.1", echo.port), timeout=15) as raw:
        while raw.recv(4096):
            pass
    assert value(echo, "grpc_connection_errors_total", reason="timeout") == before + 1


@pytest.mark.skipif(not LONG, reason="takes half a minute; the long form does it")
def test_a_client_that_reads_nothing_is_closed(run):
    """Its windows are open, its socket is full: so it is the kernel that takes no more."""
    lab, calls, size = run("echo"), 10, 3_900_000
    with Peer(lab.port) as peer:
        peer.begin(INITIAL_WINDOW_SIZE=0)
        for _ in range(calls):
            send_slowly(peer, framed(message("x" * size)))
        peer.h2.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 2 ** 31 - 1})
        peer.h2.increment_flow_control_window(2 ** 30)
        peer.flush()
        until(lambda: value(lab, "grpc_connection_errors_total", reason="timeout") == 1, 45, every=0.5)
        assert still_serves(lab)
    assert value(lab, "grpc_open_calls") == 0


# The end.

def test_goaway_warns_and_then_names_the_last_stream(run):
    lab = run("echo", "--delay", "500")
    with Peer(lab.port) as peer:
        peer.begin()
        first = peer.ask()
        until(lambda: value(lab, "grpc_open_calls") == 1)
        lab.signal(signal.SIGTERM)
        warned = peer.until(lambda event: isinstance(event, h2.events.ConnectionTerminated))
        assert (warned.last_stream_id, warned.error_code) == (2 ** 31 - 1, 0)
        ping = [payload for kind, flags, _, payload in peer.frames() if (kind, flags) == (6, 0)]
        peer.socket.sendall(frame(6, 1, payload=ping[0]))
        peer.until_closed()
    told = [int.from_bytes(payload[:4], "big") for kind, _, _, payload in peer.frames() if kind == 7]
    ended = [(kind, flags & 1) for kind, flags, stream, _ in peer.frames() if stream == first and kind in (0, 1)]
    assert told == [2 ** 31 - 1, first]
    assert ended == [(1, 0), (0, 0), (1, 1)]  # fields, message, trailers
    assert lab.wait_exit() == 0


def test_a_client_that_does_not_hear_the_goaway_is_not_waited_for(run):
    lab = run("echo")
    with Peer(lab.port) as peer:
        peer.begin()
        assert peer.status(peer.ask()) == 0
        begin = time.monotonic()
        lab.signal(signal.SIGTERM)
        assert lab.wait_exit() == 0
        assert time.monotonic() - begin < 5
