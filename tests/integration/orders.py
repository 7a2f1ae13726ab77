"""A load of orders that remembers what was promised, and the judgement on it: Jepsen's total-queue test."""

import threading
import uuid

import requests

from place import FRUITS
from until import until


class Orders:
    """Orders without pause from several threads, until finish().

    `attempted` has each id before it is sent, `answered` each that got its 2xx, both with what was ordered; `codes` are
    the answers' codes, and `failed` the requests that got none.
    """

    def __init__(self, frontend, threads=6):
        self.frontend, self.attempted, self.answered, self.codes, self.failed = frontend, {}, {}, set(), []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(n,)) for n in range(threads)]
        for thread in self._threads:
            thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.finish()

    def finish(self):
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def _run(self, n):
        for count in range(1 << 30):
            if self._stop.is_set():
                return
            key, order = str(uuid.uuid4()), (FRUITS[count % 5], n * 100000 + count + 1)
            self.attempted[key] = order
            try:
                code = self.frontend.order(*order, Idempotency_Key=key).status_code
            except requests.ConnectionError as error:
                self.failed.append(error)
                return
            self.codes.add(code)
            if code == 200:
                self.answered[key] = order

    def judge(self, place):
        """Every 2xx is one row; no row is of an order that nobody made; nothing is a dead letter."""
        until(lambda: set(self.answered) <= {identity for identity, *_ in place.rows()}, 20, every=0.1)
        rows = place.rows()
        stored = {identity: (name, quantity) for identity, name, quantity in rows}
        assert len(stored) == len(rows)
        assert all(stored[identity] == order for identity, order in self.answered.items())
        assert all(self.attempted.get(identity) == order for identity, order in stored.items())
        assert place.dead_letters() == []
