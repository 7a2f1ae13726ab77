"""A consumer of a queue in AMQP 0-9-1, as small as it can be.

    with Consumer(host, port, "task_queue") as consumer:
        for tag in consumer.deliveries():    # None once a second where nothing comes
            consumer.ack(tag) or consumer.requeue(tag)
"""

import socket
import struct

METHOD, HEADER, BODY, END = 1, 2, 3, 0xCE
START, START_OK, TUNE, TUNE_OK, OPEN, OPEN_OK = ((10, number) for number in (10, 11, 30, 31, 40, 41))
CHANNEL_OPEN, CHANNEL_OPEN_OK = (20, 10), (20, 11)
QOS, QOS_OK, CONSUME, CONSUME_OK, DELIVER, ACK, NACK = ((60, number) for number in (10, 11, 20, 21, 60, 80, 120))
CLOSED = ((10, 50), (20, 40))


class Consumer:
    def __init__(self, host, port, queue, vhost="/", login=("guest", "guest"), prefetch=20):
        self._peer = socket.create_connection((host, port), 5)
        self._buffer = b""
        try:
            self._greet(vhost, login)
            self._ask(1, QOS, struct.pack(">IHB", 0, prefetch, 0), QOS_OK)
            self._ask(1, CONSUME, b"\0\0" + _short(queue) + _short("") + b"\0" + _table(), CONSUME_OK)
            self._peer.settimeout(1)
        except BaseException:
            self._peer.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._peer.close()  # what is not acknowledged goes back into the queue

    def deliveries(self):
        while True:
            frame = self._frame()
            if frame is None:
                yield None
                continue
            kind, _, payload = frame
            if kind == METHOD and _method(payload) == DELIVER:
                yield struct.unpack_from(">Q", payload, 5 + payload[4])[0]
            elif kind == METHOD and _method(payload) in CLOSED:
                raise OSError("the broker closed the connection")

    def ack(self, tag):
        self._send(1, ACK, struct.pack(">QB", tag, 0))

    def requeue(self, tag):
        self._send(1, NACK, struct.pack(">QB", tag, 2))

    def _greet(self, vhost, login):
        self._peer.sendall(b"AMQP\0\0\x09\x01")
        self._expect(START)
        secret = "\0".join(("", *login)).encode()
        self._send(0, START_OK, _table() + _short("PLAIN") + struct.pack(">I", len(secret)) + secret + _short("en_US"))
        channels, size, _ = struct.unpack_from(">HIH", self._expect(TUNE), 4)
        self._send(0, TUNE_OK, struct.pack(">HIH", channels, size, 0))  # without heartbeats
        self._ask(0, OPEN, _short(vhost) + _short("") + b"\0", OPEN_OK)
        self._ask(1, CHANNEL_OPEN, _short(""), CHANNEL_OPEN_OK)

    def _ask(self, channel, method, arguments, answer):
        self._send(channel, method, arguments)
        return self._expect(answer)

    def _expect(self, method):
        kind, _, payload = self._frame() or (None, 0, b"")
        if kind != METHOD or _method(payload) != method:
            raise OSError("the broker says something else than expected")
        return payload

    def _send(self, channel, method, arguments):
        payload = struct.pack(">HH", *method) + arguments
        self._peer.sendall(struct.pack(">BHI", METHOD, channel, len(payload)) + payload + bytes([END]))

    def _frame(self):
        """(type, channel, payload); None where nothing came in time."""
        while True:
            if len(self._buffer) >= 7:
                kind, channel, size = struct.unpack_from(">BHI", self._buffer)
                if len(self._buffer) >= size + 8:
                    payload, self._buffer = self._buffer[7:7 + size], self._buffer[size + 8:]
                    return kind, channel, payload
            try:
                data = self._peer.recv(1 << 16)
            except TimeoutError:
                return None
            if not data:
                raise OSError("the broker closed the connection")
            self._buffer += data


def _method(payload):
    return struct.unpack_from(">HH", payload)


def _short(text):
    raw = text.encode()
    return bytes([len(raw)]) + raw


def _table():
    return struct.pack(">I", 0)
