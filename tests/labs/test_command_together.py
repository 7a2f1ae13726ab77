"""Labs beside each other, and beside the whole workshop: who makes load for whom, and what Prometheus sees of it."""

import signal

from lab_copy import copy  # noqa: F401
from until import until
from workshop.service import http_get


def test_two_labs_have_a_load_each_and_every_load_is_scraped_while_it_runs(copy):
    said = [copy("lab", "exporter")[1], copy("lab", "person")[1]]
    assert f"http://127.0.0.1:{8082 + copy.offset}/stats" in said[0]
    assert f"http://127.0.0.1:{8082 + copy.offset}/stats" not in said[1], "which is another lab's"
    shown = {row.split()[0]: row.split()[-1] for row in copy("status")[1].splitlines()}
    assert (shown["load-person"], shown["load-exporter"]) == (str(5003 + copy.offset), str(5004 + copy.offset))
    assert all(f"http://127.0.0.1:{port + copy.offset}/metrics" in text for port, text in zip((5004, 5003), said))
    until(lambda: copy.scraped("traffic") == {5003: "up", 5004: "up"}, 30, every=0.2)

    # One more, which a person runs, on this copy's lab; no servers are missed.
    more = copy.begin("run", "traffic", "--scenario", "labs/person/scenario.json", "--speed", "10")
    until(lambda: copy.scraped("traffic") == {5002: "up", 5003: "up", 5004: "up"}, 30, every=0.2)
    metric = f'traffic_dropped_iterations_total{{instance="127.0.0.1:{5002 + copy.offset}"}}'
    assert copy.stack.prometheus.api.value(f"sum({metric})") is not None
    more.send_signal(signal.SIGINT)
    said, _ = more.communicate(timeout=20)
    assert f"http://127.0.0.1:{7080 + copy.offset}" in said and "http://127.0.0.1:7080" not in said
    assert "servers do not run" not in said

    # What has ended is no target, rather than one that is down.
    copy.stack.state.process("load-exporter").signal(signal.SIGTERM)
    until(lambda: copy.scraped("traffic") == {5003: "up"}, 30, every=0.2)


def test_the_exporter_reads_the_frontend_where_the_workshop_runs(copy):
    """Whichever of the two was begun first; and the lab's own page, whose experiments need a stand-in, is told of."""
    assert copy("lab", "exporter")[0] == 0
    status, said = copy("up", "--native", "--labs")
    assert status == 0 and "the exporter reads the frontend's /stats" in said, said
    assert copy.stack.state.all()["exporter"]["source"] == f"http://127.0.0.1:{5000 + copy.offset}/stats"
    until(lambda: "syseng_up 1" in http_get(f"http://127.0.0.1:{8081 + copy.offset}/metrics")[1], 10)
    assert not {"source", "load-exporter"} & {*copy.states()}

    pid = copy.stack.state.all()["exporter"]["pid"]
    status, said = copy("lab", "exporter")
    assert status == 0 and "there is no stand-in" in said and f":{5000 + copy.offset}/stats" in said
    assert copy.stack.state.all()["exporter"]["pid"] == pid

    # Beside all that, a lab's load is scraped, too.
    assert copy("lab", "person")[0] == 0
    until(lambda: copy.scraped("traffic") == {5002: "up", 5003: "up"}, 30, every=0.2)
    assert copy.states()["frontend"] == "running"
