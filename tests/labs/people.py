"""The person lab as a test runs it, and a target that counts what traffic asks of it."""

import signal
import subprocess

import requests
from prometheus_client.parser import text_string_to_metric_families

from program import BIN, REPORTS, SANITIZERS, free_port
from until import until

ADA = {"first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.org", "address": "London"}


class Lab:
    """with Lab("--people-max", "3") as lab: lab.post("/person", json=…)"""

    def __init__(self, *flags, address=None):
        self.address = address or f"127.0.0.1:{free_port()}"
        self.url = f"http://{self.address}"
        self.session = requests.Session()
        self.session.trust_env = False
        self.flags, self.told = flags, False

    def __enter__(self):
        self.process = subprocess.Popen([BIN / "person", "--listen", self.address, "--log-format", "text", *self.flags],
                                        stderr=subprocess.PIPE, text=True, env=SANITIZERS)
        until(self.answers, 20)
        return self

    def __exit__(self, kind, *_):
        self.tell()
        said = self.process.communicate(timeout=10)[1]
        assert not [report for report in REPORTS if report in said], said[-6000:]
        assert kind or self.process.returncode == 0, said[-6000:]
        self.said = said

    def tell(self):
        """SIGTERM, once: a second one would end it in the midst of what it has promised."""
        if self.process.poll() is None and not self.told:
            self.process.send_signal(signal.SIGTERM)
        self.told = True

    def answers(self):
        assert self.process.poll() is None, self.process.stderr.read()
        try:
            return self.get("/health").status_code == 200
        except requests.ConnectionError:
            return False

    def request(self, method, path, **more):
        return self.session.request(method, self.url + path, timeout=15, **more)

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def post(self, **person):
        return self.request("POST", "/person", json=ADA | person)

    def samples(self):
        """{(name, frozenset of labels): value}. The parser gives every counter a _total; who had none loses it."""
        page = self.get("/metrics").text
        bare = {f"{family.name}_total" for family in text_string_to_metric_families(page)
                if f"# TYPE {family.name} counter\n" in page}
        return {(sample.name.removesuffix("_total") if sample.name in bare else sample.name,
                 frozenset(sample.labels.items())): sample.value
                for family in text_string_to_metric_families(page) for sample in family.samples}

    def value(self, name, **labels):
        """The sum over the samples of that name which bear these labels; fails where there is none."""
        found = [value for (its, has), value in self.samples().items() if its == name and labels.items() <= set(has)]
        assert found, f"no {name} with {labels}"
        return sum(found)
