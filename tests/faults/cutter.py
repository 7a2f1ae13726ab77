"""A proxy that cuts the connection after so many bytes."""

import threading

from proxy import Proxy


class Cutter(Proxy):
    """
    c.count()            from now on counts what passes: c.passed["up"] is towards the server, c.passed["down"] back
    c.after("up", 17)    lets 17 more bytes pass upwards, over all connections, and cuts them all before the 18th;
                         c.wait() then returns. Connections made after that are left alone
    """

    def __init__(self, target):
        self.passed, self._left, self._way, self._done = {"up": 0, "down": 0}, 0, None, threading.Event()
        self._counting = threading.Lock()
        super().__init__(target)

    def count(self):
        with self._counting:
            self.passed = {"up": 0, "down": 0}

    def after(self, way, count):
        self._done.clear()
        with self._counting:
            self._way, self._left = way, count

    def disarm(self):
        with self._counting:
            self._way = None

    @property
    def cut_done(self):
        return self._done.is_set()

    def _pump(self, pair, source, sink, gate):
        way = "up" if gate is self._up else "down"
        super()._pump(pair, source, Scissors(self, sink, way), gate)

    def passing(self, way, data):
        """(what of the data may pass, whether that was the last)"""
        with self._counting:
            self.passed[way] += len(data)
            if way != self._way or self._left >= len(data):
                self._left -= len(data) if way == self._way else 0
                return data, False
            self._way = None
            return data[:self._left], True


class Scissors:
    """The socket that bytes go to, as the pump sees it."""

    def __init__(self, cutter, sink, way):
        self.cutter, self.sink, self.way = cutter, sink, way

    def sendall(self, data):
        data, last = self.cutter.passing(self.way, data)
        self.sink.sendall(data)
        if last:
            self.cutter.cut()
            self.cutter._done.set()
