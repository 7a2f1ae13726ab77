"""A TCP proxy in front of a real server, with which a test disturbs one program's connection and nobody else's."""

import contextlib
import socket
import threading

HOST = "127.0.0.1"


class Proxy:
    """Listens on a free port from the start.

    p.refuse() p.accept()    the server is down: connections end, new ones are refused; and it is back
    p.cut()                  connections end, new ones are taken
    p.stall() p.flow()       nothing passes any more; all that was held back passes
    p.mute()                 what the server says is held back; what it hears is not
    """

    def __init__(self, target):
        self.target, self.port = target, 0
        self._pairs, self._lock = set(), threading.Lock()
        self._up, self._down = threading.Event(), threading.Event()  # towards the server, and back
        self.flow()
        self.accept()

    def accept(self):
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((HOST, self.port))
        self._listener.listen(64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, args=(self._listener,), daemon=True).start()

    def refuse(self):
        _end(self._listener)
        self.cut()

    def cut(self):
        with self._lock:
            pairs, self._pairs = self._pairs, set()
        for client, server in pairs:
            _end(client)
            _end(server)

    def stall(self):
        self._up.clear()
        self._down.clear()

    def mute(self):
        self._down.clear()

    def flow(self):
        self._up.set()
        self._down.set()

    def close(self):
        self.refuse()
        self.flow()

    @property
    def connections(self):
        return len(self._pairs)

    def _serve(self, listener):
        with contextlib.suppress(OSError):
            while True:
                self._join(listener.accept()[0])

    def _join(self, client):
        try:
            server = socket.create_connection((HOST, self.target), 2)
        except OSError:
            return _end(client)
        server.settimeout(None)
        for each in (client, server):
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pair = (client, server)
        with self._lock:
            self._pairs.add(pair)
        for source, sink, gate in ((client, server, self._up), (server, client, self._down)):
            threading.Thread(target=self._pump, args=(pair, source, sink, gate), daemon=True).start()

    def _pump(self, pair, source, sink, gate):
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                gate.wait()
                sink.sendall(data)
        with self._lock:
            self._pairs.discard(pair)
        for each in pair:
            _end(each)


def _end(sock):
    """Wakes whoever waits for the socket, too; a close alone would not."""
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()
