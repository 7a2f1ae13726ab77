"""A source for the exporter: a server of raw bytes, so that it can say anything, slowly, or stop in the middle."""

import json
import socket
import threading


def page(codes=None, count=10, seconds=1.5, **more):
    """What the frontend's /stats looks like."""
    codes = {"200": 10} if codes is None else codes
    return {"requestCounters": codes, "requestRates": {code: 0.5 for code in codes},
            "duration": {"count": count, "sum": seconds, "average": 0.1}} | more


def answer(content, status=200):
    """The bytes of an answer with that JSON, or those bytes."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return f"HTTP/1.1 {status} Whatever\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


class Source:
    """Answers each GET with `says`: bytes, or a function that is handed the socket. Counts the questions in `asked`, and
    keeps their first lines in `lines`."""

    def __init__(self):
        self.says, self.asked, self.lines = answer(page()), 0, []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open, self._lock = set(), threading.Lock()
        self.uri = f"http://127.0.0.1:{self._listener.getsockname()[1]}/stats"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._open:
                connection.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        buffered = b""
        try:
            while True:
                while b"\r\n\r\n" not in buffered:
                    more = connection.recv(65536)
                    if not more:
                        return
                    buffered += more
                head, _, buffered = buffered.partition(b"\r\n\r\n")
                self.asked += 1
                self.lines.append(head.splitlines()[0].decode())
                says = self.says
                if not callable(says):
                    connection.sendall(says)
                elif says(connection) is False:
                    return
        except OSError:
            pass
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()
