"""What the tests of the echo lab share: its messages by hand, gRPC's own Python client, and a bare HTTP/2 peer."""

import contextlib
import socket
import time
from pathlib import Path

import grpc
import h2.config
import h2.connection
import h2.events
import h2.settings
import requests
from prometheus_client.parser import text_string_to_metric_families

ECHO, CHECK, WATCH = "/echo.Echo/Echo", "/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch"
SERVING, NOT_SERVING, SERVICE_UNKNOWN = b"\x08\x01", b"\x08\x02", b"\x08\x03"
FIELDS = [(":method", "POST"), (":scheme", "http"), (":path", ECHO), (":authority", "test"),
          ("content-type", "application/grpc"), ("te", "trailers")]
PATIENCE = 10


def message(text):
    """An EchoRequest, and an EchoResponse too: field 1, a string."""
    body, size = text if isinstance(text, bytes) else text.encode(), b""
    left = len(body)
    while left > 127:
        size, left = size + bytes([left & 127 | 128]), left >> 7
    return b"\n" + size + bytes([left]) + body if body else b""


def framed(body, flags=0):
    return bytes([flags]) + len(body).to_bytes(4, "big") + body


@contextlib.contextmanager
def channel(port, *options):
    with grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.use_local_subchannel_pool", 1), *options]) as made:
        yield made


def call(made, body, method=ECHO, timeout=PATIENCE, **more):
    """(status's name, its text, answer)"""
    try:
        return "OK", "", made.unary_unary(method)(body, timeout=timeout, **more)
    except grpc.RpcError as error:
        return error.code().name, error.details(), None


def value(echo, name, **labels):
    """The sum over the samples of that name which bear these labels; fails where there is none."""
    text = requests.get(echo.pages + "/metrics", timeout=PATIENCE).text
    found = [sample.value for family in text_string_to_metric_families(text) for sample in family.samples
             if sample.name == name and labels.items() <= sample.labels.items()]
    assert found, f"no {name} with {labels}"
    return sum(found)


def resident_mb(echo):
    for line in Path(f"/proc/{echo.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmRSS")


class Peer:
    """HTTP/2 without gRPC: python-h2 keeps the state, the socket is the test's. Nothing is checked on the way out."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        config = h2.config.H2Configuration(validate_outbound_headers=False, normalize_outbound_headers=False,
                                           header_encoding="utf-8")
        self.h2 = h2.connection.H2Connection(config)
        self.events, self.ended, self.received = [], False, b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def begin(self, **settings):
        self.h2.initiate_connection()
        if settings:
            self.h2.update_settings({getattr(h2.settings.SettingCodes, name): number for name, number in settings.items()})
        self.flush()
        return self

    def flush(self):
        self.socket.sendall(self.h2.data_to_send())

    def ask(self, body=framed(message("x")), *more, end=True, fields=FIELDS):
        stream = self.h2.get_next_available_stream_id()
        self.h2.send_headers(stream, [*fields, *more])
        if body:
            self.h2.send_data(stream, body, end_stream=end)
        elif end:
            self.h2.end_stream(stream)
        self.flush()
        return stream

    def read(self):
        """What came, one read of it."""
        data = self.socket.recv(65536)
        self.ended, self.received = not data, self.received + data
        said_goodbye = any(isinstance(event, h2.events.ConnectionTerminated) for event in self.events)
        events = self.h2.receive_data(data) if data and not said_goodbye else []  # python-h2 knows no life behind GOAWAY
        for event in events:
            if isinstance(event, h2.events.DataReceived) and event.flow_controlled_length:
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        self.events += events
        self.flush()

    def frames(self):
        """[(kind, flags, stream, payload)] of all that came, without python-h2."""
        found, at = [], 0
        while at + 9 <= len(self.received) and at + 9 + int.from_bytes(self.received[at:at + 3], "big") <= len(self.received):
            end = at + 9 + int.from_bytes(self.received[at:at + 3], "big")
            found.append((self.received[at + 3], self.received[at + 4], int.from_bytes(self.received[at + 5:at + 9], "big"),
                          self.received[at + 9:end]))
            at = end
        return found

    def until(self, found):
        """Reads until `found(event)` is true of one, and returns that."""
        end = time.monotonic() + PATIENCE
        while True:
            for event in self.events:
                if found(event):
                    return event
            assert not self.ended and time.monotonic() < end, f"did not come; there were {self.events}"
            self.read()

    def fields(self, stream):
        """Of the last HEADERS frame of the stream, once it has ended."""
        self.until(lambda event: isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset))
                   and event.stream_id == stream)
        kinds = (h2.events.ResponseReceived, h2.events.TrailersReceived)
        return dict([event for event in self.events if isinstance(event, kinds) and event.stream_id == stream][-1].headers)

    def status(self, stream):
        return int(self.fields(stream)["grpc-status"])

    def until_closed(self):
        end = time.monotonic() + PATIENCE
        with contextlib.suppress(ConnectionError):
            while not self.ended:
                assert time.monotonic() < end, "the connection stays open"
                self.read()
