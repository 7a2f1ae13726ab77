"""The judgement on a load: Jepsen's total-queue test, over what `traffic --log-ids` wrote down.

Of each order that was attempted, what is allowed:

    its answer was   stored once   stored twice   dead letter   nowhere
    2xx              yes           no             yes           no
    anything else    yes           no             yes           yes        (also without any answer)

and nothing may be there that nobody ordered. An order that got no 2xx and is there nevertheless is "recovered".
"""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Ledger:
    """`attempted`: id → (fruit, quantity) as ordered; `promised`: the ids that got a 2xx; `codes`: how often each came."""

    attempted: dict = field(default_factory=dict)
    promised: set = field(default_factory=set)
    codes: Counter = field(default_factory=Counter)

    @classmethod
    def read(cls, path):
        """A last line that is still being written is left for the next look."""
        ledger = cls()
        for line in path.read_text().split("\n")[:-1] if path.exists() else ():
            kind, identity, *rest = line.split()
            if kind == "attempt":
                ledger.attempt(identity, rest[0], int(rest[1]))
            else:
                ledger.ack(identity, int(rest[0]))
        return ledger

    def attempt(self, identity, fruit, quantity):
        self.attempted[identity] = (fruit, quantity)

    def ack(self, identity, code):
        self.codes[code] += 1
        if 200 <= code < 300:
            self.promised.add(identity)

    def add(self, other):
        self.attempted |= other.attempted
        self.promised |= other.promised
        self.codes += other.codes

    def anomalies(self, rows, dead_letters, generated=lambda row: False):
        """{kind: ids} of all that must not be; {} where all is well.

        rows as place.rows(), dead letters as place.dead_letters(); `generated` says which rows are the generator's.
        """
        there = [identity for identity, *_ in rows] + [identity for identity, *_ in dead_letters]
        found = {
            "lost": self.promised - set(there),
            "doubled": {identity for identity, count in Counter(there).items() if count > 1},
            "unexpected": {row[0] for row in rows if row[0] not in self.attempted and not generated(row)}
                          | {identity for identity, *_ in dead_letters if identity not in self.attempted},
            "altered": {row[0] for row in rows if self.attempted.get(row[0], row[1:]) != row[1:]},
        }
        return {kind: ids for kind, ids in found.items() if ids}

    def recovered(self, rows):
        return {identity for identity, *_ in rows} & set(self.attempted) - self.promised
