"""What every test of the configuration can ask for.

    workshop   a whole workshop on private ports, as `./workshop up` runs it, under a load that is known, with one
               laptop that shares how far its student is
    api        its Prometheus (tools/workshop/prometheus.py), once every target was scraped
    ready      the same, once it measures the load as it is and has followed its rules: from then on rates are true

The load is open loop: `RATE` requests a second, in equal shares GET /hello, GET /fruit?name= and POST /fruit, so that a
test can say what a query must give, and not merely that it gives something.
"""

import json
import sys
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests/integration")]

pytest.register_assert_rewrite("shown")  # so that a failure there shows both sides
from boards import chrome, own, page  # noqa: E402, F401: fixtures of the tests of the board
from until import until  # noqa: E402
from workshop import Stack, free_offset, ports, share  # noqa: E402

RATE = 30  # requests a second


@pytest.fixture(scope="session")
def workshop(tmp_path_factory):
    with Stack(ROOT, tmp_path_factory.mktemp("workshop"), port_offset=free_offset(), die_with_parent=True) as stack:
        stack.program("traffic", "--rate", str(RATE), port=stack.traffic.port)
        stack.start()
        with share.Server((ports.HOST, 0), share._handler(ROOT, "Ada")) as laptop:  # a class of one
            threading.Thread(target=laptop.serve_forever, daemon=True).start()
            targets = [{"targets": [f"{ports.HOST}:{laptop.server_address[1]}"]}]
            (stack.dir / "prometheus-config/targets/class.json").write_text(json.dumps(targets))
            yield stack
            laptop.shutdown()


@pytest.fixture(scope="session")
def api(workshop):
    made = workshop.prometheus.api
    until(lambda: {health for health, _ in made.targets().values()} == {"up"}, 60, every=0.2)
    return made


@pytest.fixture(scope="session")
def ready(api):
    until(lambda: abs((api.value("sum(rate(traffic_requests_total[15s]))") or 0) - RATE) < 0.1 * RATE, 60, every=0.5)
    until(lambda: api.value("slo:error_budget_remaining:ratio") is not None, 60, every=0.5)
    return api
