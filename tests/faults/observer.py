"""Loops and memory of both programs, watched during a fault, beside a bare control.

The control is a process that does a fifth of a millisecond's work, again and again, and notes how long each took. On a
quiet machine its slowest hundredth takes little longer; where it does, others had the processor, and so had they when a
turn of a program's loop took long.
"""

import subprocess
import sys
from collections import Counter

from program import sanitized

MIB = 1 << 20
LAG_S = 0.005   # 99 of 100 turns of a loop are shorter
STALL_S = 0.5   # all are: one that waited for a server would take seconds

CONTROL = """
import sys, time
spent, count = [], 2000
def work(n):
    for _ in range(n): pass
begin = time.perf_counter(); work(count); count = int(count * .0002 / (time.perf_counter() - begin)) or 1
print("ready", flush=True)
import select
while not select.select([sys.stdin], [], [], .002)[0]:
    begin = time.perf_counter(); work(count); spent.append(time.perf_counter() - begin)
spent.sort()
print(spent[len(spent) * 99 // 100], spent[-1])
"""


class Observer:
    def __init__(self, system):
        self.system, self.lags, self.stalls, self.grown, self._control = system, {}, {}, {}, None

    def __enter__(self):
        self._control = subprocess.Popen([sys.executable, "-c", CONTROL], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         text=True)
        self._control.stdout.readline()
        self._before = {name: (turns(program), memory(program)) for name, program in self.system.programs.items()}
        return self

    def __exit__(self, kind, *exception):
        self.stop()

    def stop(self):
        """The end of what is watched: sooner than the block's where that is said."""
        if self._control.stdin.closed:
            return
        for name, program in self.system.programs.items():
            taken, held = turns(program), memory(program)
            self.lags[name] = percentile(taken - self._before[name][0], 0.99)
            self.stalls[name] = percentile(taken - self._before[name][0], 1)
            self.grown[name] = held - self._before[name][1]
        said = self._control.communicate("\n")[0].split()
        self._control.stdin.close()
        self.control_p99, self.control_max = map(float, said)

    def slowness(self):
        """1 on a quiet machine; by what to stretch a time limit on another."""
        return 5 if sanitized() else 1

    def judge(self, memory_limit):
        """Compared with the bucket's upper bound: a p99 of "0.005" means that it is at most that."""
        lag = max(LAG_S, 4 * self.control_p99)
        stall = max(STALL_S, 4 * self.control_max)
        assert all(value <= lag for value in self.lags.values()), (self.lags, self.control_p99)
        assert all(value <= stall for value in self.stalls.values()), (self.stalls, self.control_max)
        assert sanitized() or all(value < memory_limit for value in self.grown.values()), self.grown


def turns(program):
    """Counter: upper bound of a bucket → how many turns of the loop were in it."""
    buckets = sorted((float(sample.labels["le"]), sample.value)
                     for sample in program.families()["libuv_loop_iteration_seconds"].samples
                     if sample.name.endswith("_bucket"))
    below = 0
    counted = Counter()
    for bound, count in buckets:
        counted[bound], below = count - below, count
    return counted


def percentile(counted, share):
    """The bound of the bucket that holds it."""
    wanted, seen = share * sum(counted.values()), 0
    for bound in sorted(counted):
        seen += counted[bound]
        if seen >= wanted:
            return bound
    return 0.0


def memory(program):
    return program.value("process_resident_memory_bytes")
