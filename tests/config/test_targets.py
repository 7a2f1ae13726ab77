"""prometheus/prometheus.yml in the whole workshop: what is scraped, and that the load is the one that was asked for."""

from conftest import RATE
from until import until


def test_the_load_is_the_known_one(api):
    def measured():
        return api.value("sum(rate(traffic_requests_total[20s]))") or 0

    until(lambda: abs(measured() - RATE) < 0.05 * RATE, 60, every=0.5)
