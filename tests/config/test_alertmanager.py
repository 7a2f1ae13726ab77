"""alertmanager/alertmanager.yml: whom an alert reaches, asked of amtool and of an Alertmanager that runs; the receiver."""

import json
import subprocess
import urllib.error
import urllib.request

import pytest

from conftest import ROOT
from until import stays, until
from workshop import Stack, free_offset, notifications, rulefile
from workshop.service import http_get

CONFIG = ROOT / "alertmanager/alertmanager.yml"


def amtool(*words):
    return subprocess.run(["amtool", *map(str, words)], capture_output=True, text=True)


def alerts():
    """(name, severity, service) of every alert; where the service is the job's name, of one of those."""
    return [(rule["alert"], rule["labels"]["severity"], rule["labels"]["service"].replace("{{ $labels.job }}", "redis"))
            for group in rulefile.groups("classroom") for rule in group.rules if "alert" in rule]


def test_alertmanager_takes_it():
    done = amtool("check-config", CONFIG)
    assert done.returncode == 0 and "3 receivers" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("name, severity, service", alerts())
def test_every_alert_reaches_the_receiver_of_its_severity(name, severity, service):
    receiver = {"page": "page", "ticket": "ticket", "none": "watchdog"}[severity]
    done = amtool("config", "routes", "test", f"--config.file={CONFIG}", f"--verify.receivers={receiver}",
                  f"alertname={name}", f"severity={severity}", f"service={service}")
    assert done.returncode == 0, done.stdout + done.stderr


def test_one_without_a_severity_is_not_dropped():
    done = amtool("config", "routes", "test", f"--config.file={CONFIG}", "--verify.receivers=ticket", "alertname=Mine")
    assert done.returncode == 0, done.stdout + done.stderr


# Of an Alertmanager that runs.

@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with Stack(ROOT, tmp_path_factory.mktemp("alertmanager"), port_offset=free_offset(), die_with_parent=True) as stack:
        yield stack.start("notifications", "alertmanager")


def post(url, content):
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def raise_alert(stack, name, severity, service):
    assert post(stack.alertmanager.url + "/api/v2/alerts", [{
        "labels": {"alertname": name, "severity": severity, "service": service},
        "annotations": {"summary": f"It is {name}", "runbook_url": f"docs/runbooks/{name}.md"}}]) == 200


def inhibited(stack):
    found = json.loads(http_get(stack.alertmanager.url + "/api/v2/alerts")[1])
    return {alert["labels"]["alertname"]: bool(alert["status"]["inhibitedBy"]) for alert in found}


def test_a_page_keeps_the_tickets_of_its_service_quiet_and_no_others(running):
    raise_alert(running, "Down", "page", "shop")
    raise_alert(running, "Slow", "ticket", "shop")
    raise_alert(running, "Full", "ticket", "store")
    until(lambda: inhibited(running) == {"Down": False, "Slow": True, "Full": False}, 5)
    log = running.notifications.log_text
    until(lambda: "Down" in log() and "Full" in log(), 30, every=0.2)
    lines = log().splitlines()
    assert any("PAGE    firing    shop       Down" in line and "It is Down  → docs/runbooks/Down.md" in line for line in lines)
    assert any("TICKET  firing    store      Full" in line for line in lines)
    assert "Slow" not in log()


def test_a_watchdog_that_ended_is_no_heartbeat(running):
    alert = {"status": "resolved", "labels": {"alertname": "Watchdog", "service": "prometheus"}}
    assert post(running.notifications.url + "/watchdog", {"alerts": [alert]}) == 200
    stays(lambda: "WATCHDOG" not in running.notifications.log_text(), 0.5)


def test_the_watchdog_is_heard_and_not_told_each_time(running):
    raise_alert(running, "Watchdog", "none", "prometheus")
    log = running.notifications.log_text
    until(lambda: "WATCHDOG heard: alerts get through" in log(), 10)
    stays(lambda: log().count("WATCHDOG") == 1, 2)


@pytest.mark.parametrize("path, content", [
    ("/page", b"no JSON"), ("/page", {"alerts": [{}]}), ("/page", []), ("/elsewhere", {"alerts": []}), ("/ticket", b"")])
def test_the_receiver_refuses_what_is_no_message_of_alertmanagers(running, path, content):
    before = running.notifications.log_text()
    assert post(running.notifications.url + path, content) == 400
    assert running.notifications.log_text() == before and running.notifications.running


def test_silence_is_told_once_and_so_is_its_end():
    now = [0]
    heartbeat = notifications.Heartbeat(lambda: now[0])
    assert "alerts get through" in heartbeat.beat()
    assert heartbeat.check() is None and heartbeat.beat() is None
    now[0] = 91
    assert "silent for 90 s" in heartbeat.check() and heartbeat.check() is None
    assert "heard again" in heartbeat.beat() and heartbeat.beat() is None and heartbeat.check() is None


def test_one_who_never_hears_it_says_so():
    now = [0]
    heartbeat = notifications.Heartbeat(lambda: now[0])
    now[0] = 91
    assert "silent" in heartbeat.check()
