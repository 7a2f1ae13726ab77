"""A workshop whose alerts are watched while it is broken on purpose.

    drill.begin()                      starts everything, waits until Prometheus has seen all of it
    with drill.fault("ServerDown"):    the clock of these alerts starts
        stack.redis.stop()
        drill.fires("ServerDown", within=60)
    drill.clears("ServerDown", within=60)
    drill.fired_since(moment)          names of all that fired since then

An alert has fired when Prometheus says so, Alertmanager has it, and, unless a page of the same service keeps it quiet,
the receiver has written its line.
"""

import contextlib
import json
import subprocess
import time

from until import until
from workshop.service import http_get

RABBITMQCTL = "/usr/lib/rabbitmq/bin/rabbitmqctl"
RATE = 30  # requests a second

MEASURED = {}  # alert → how long it took


class Drill:
    def __init__(self, stack):
        self.stack, self.began = stack, {}
        self.api = stack.prometheus.api

    def begin(self, history=0):
        """`history`: so many scrapes of everything are there, since what looks back over minutes is quick on a young one."""
        self.stack.program("traffic", "--rate", str(RATE), port=self.stack.traffic.port)
        self.stack.start()
        until(lambda: {health for health, _ in self.api.targets().values()} == {"up"}, 60, every=0.2)
        until(lambda: (self.api.value('min(count_over_time(up[10m]))') or 0) > history, 120, every=0.5)

    def control(self, *words):
        """rabbitmqctl, on the workshop's broker."""
        done = subprocess.run([RABBITMQCTL, "--quiet", *words], env=self.stack.rabbitmq._full_environment(),
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr

    def replace(self, program, *flags):
        """Starts the program anew with other flags, on the same port."""
        port = self.stack.services[program].port
        self.stack.services[program].stop()
        self.stack.program(program, *flags, port=port).start().wait_ready()

    # Alerts.

    @contextlib.contextmanager
    def fault(self, *names):
        """The clock of these alerts starts; for their end, it starts at the end of the block. None may fire before."""
        assert not {name for name, _ in self.firing()} & {*names}
        self.began |= {name: time.time() for name in names}
        yield
        self.began |= {name: time.time() for name in names}

    def firing(self):
        """{(alert, service)} that fire now, in Prometheus."""
        return {(labels["alertname"], labels["service"]) for labels, _ in self.api.query('ALERTS{alertstate="firing"}')}

    def received(self):
        """{(alert, service): True where it is inhibited}, of those that Alertmanager has."""
        status, body = http_get(self.stack.alertmanager.url + "/api/v2/alerts?active=true", 3)
        return {(alert["labels"]["alertname"], alert["labels"]["service"]): bool(alert["status"]["inhibitedBy"])
                for alert in (json.loads(body) if status == 200 else ())}

    def told(self, name):
        return any(f" {name} " in line and " firing " in line for line in self.stack.notifications.log_text().splitlines())

    def fires(self, name, within=90, service=None, inhibited=False):
        """Returns once it fires and has arrived."""
        def mine(pair):
            return pair[0] == name and service in (None, pair[1])

        until(lambda: any(map(mine, self.firing())), self._left(name, within), every=0.25)
        MEASURED[name] = f"fires after {self._moment(name, 'min', service):3.0f} s"
        until(lambda: [pair for pair, quiet in self.received().items() if mine(pair) and quiet == inhibited], 15, every=0.25)
        if not inhibited:
            until(lambda: self.told(name), 75, every=0.25)

    def clears(self, name, within=90):
        until(lambda: not [pair for pair in self.firing() if pair[0] == name], self._left(name, within), every=0.25)
        MEASURED[name] = f"{MEASURED.get(name, '')}, clears after {self._moment(name, 'max') + 5:3.0f} s"

    def _moment(self, name, which, service=None):
        """Seconds from where the clock started to the first (min) or the last (max) evaluation at which it fired, which come
        every 5 s."""
        seconds = int(time.time() - self.began[name]) + 10
        only = f',service="{service}"' if service else ""
        asked = f'{which}({which}_over_time(timestamp(ALERTS{{alertname="{name}",alertstate="firing"{only}}})[{seconds}s:1s]))'
        return until(lambda: self.api.value(asked), 3) - self.began[name]

    def _left(self, name, within):
        return max(1, within - (time.time() - self.began[name]))

    def fired_since(self, moment):
        """Names of all alerts that fired at any time since then (seconds since 1970)."""
        seconds = int(time.time() - moment)
        return {labels["alertname"] for labels, _ in self.api.query(f'last_over_time(ALERTS{{alertstate="firing"}}[{seconds}s])')}
