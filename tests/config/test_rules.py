"""prometheus/rules/: what promtool says of it, every alert's stories (rule_cases.py), and what each alert must have."""

import os
import re
import subprocess
from dataclasses import replace

import pytest
import yaml

from conftest import ROOT
from rule_cases import CASES
from workshop import rulefile, rules
from workshop.exporters import write_config
from workshop.promql import metrics
from workshop.rulecheck import complaints
from workshop.ui import Failure

STEP = {"classroom": 5, "production": 60}  # seconds
RULES = ROOT / "prometheus/rules"


def promtool(*words):
    thrifty = os.environ | {"GOGC": "400"}  # less collecting of garbage for more memory, a fifth of its time
    return subprocess.run(["promtool", *map(str, words)], capture_output=True, text=True, env=thrifty)


# The files.

def test_the_committed_files_are_what_the_specification_makes():
    made = rulefile.files()
    assert {str(file.relative_to(RULES)) for file in RULES.rglob("*.*")} == made.keys()
    stale = [name for name, text in made.items() if (RULES / name).read_text() != text]
    assert not stale, "run ./workshop rules"


@pytest.mark.parametrize("scale", rules.SCALES)
def test_prometheus_takes_them(tmp_path, scale):
    write_config(ROOT, tmp_path, alerts=scale)
    done = promtool("check", "config", tmp_path / "prometheus.yml")
    assert done.returncode == 0 and "WARNING" not in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("scale", rules.SCALES)
def test_a_yaml_reader_finds_what_was_meant(scale):
    for name, groups in (("slo", rulefile.slo_groups), ("alerts", rulefile.alert_groups), ("labs", rulefile.lab_groups)):
        read = yaml.safe_load((RULES / scale / f"{name}.yml").read_text())["groups"]
        assert [group["rules"] for group in read] == [group.rules for group in groups(scale)]


def test_nothing_is_wrong_with_them():
    assert [fault for scale in rules.SCALES for fault in complaints(ROOT, rulefile.groups(scale))] == []


def test_both_scales_have_the_same_alerts():
    names = [{rule["alert"] for group in rulefile.groups(scale) for rule in group.rules if "alert" in rule}
             for scale in rules.SCALES]
    assert names[0] == names[1] == {case.alert for case in CASES} == {file.stem for file in (ROOT / "docs/runbooks").glob("*.md")}


# The stories.

def told(case, scale):
    """A test of promtool's."""
    step = STEP[scale]
    only = "".join(f',{name}="{value}"' for name, value in case.labels.items())
    asked = f'count(ALERTS{{alertname="{case.alert}",alertstate="firing"{only}}}) or vector(0)'
    series = [{"series": name, "values": values.replace("<now>", str(100 * step))} for name, values in case.series.items()]
    checks = [{"expr": asked, "eval_time": f"{at * step}s", "exp_samples": [{"labels": "{}", "value": value}]}
              for value, steps in ((0, case.silent), (1, case.firing)) for at in sorted(steps)]
    return {"interval": f"{step}s", "name": f"{case.alert}: {case.story}", "input_series": series, "promql_expr_test": checks}


def reads(scale):
    """Alert → the metrics that it depends on. Those on budgets depend on what their objective counts."""
    made = {rule.get("record") or rule["alert"]: rule["expr"] for group in rulefile.groups(scale) for rule in group.rules}
    counted = {each.slo: metrics(each.all.replace("<window>", "5m")) for each in rules.OBJECTIVES}

    def all_of(expression):
        of_budget = re.search(r'slo="(\w+)"', expression)
        names = counted[of_budget[1]] if of_budget else metrics(expression)
        return names.union(*(all_of(made[name]) for name in names if name in made))

    return {case.alert: all_of(made[case.alert]) for case in CASES}


def side_by_side(cases, scale):
    """Lists of cases that can happen at once, since they are the same story or no two of a list read the same series:
    promtool's time goes by steps."""
    lists, depends = [], reads(scale)
    for case in cases:
        fitting = next((each for each in lists if all(
            case.series == other.series or depends[case.alert].isdisjoint(depends[other.alert]) and case.alert != other.alert
            for other in each)), None)
        if fitting is None:
            lists.append(fitting := [])
        fitting.append(case)
    return lists


def together(cases, scale):
    """A test of promtool's in which all of the cases happen."""
    parts = [told(case, scale) for case in cases]
    return {"interval": f"{STEP[scale]}s", "name": "; ".join(part["name"] for part in parts)} | {
        key: [row for at, part in enumerate(parts) for row in part[key] if key != "input_series" or part[key] not in
              [other[key] for other in parts[:at]]] for key in ("input_series", "promql_expr_test")}


def stories(scale, directory, cases, text=str):
    """What promtool says of these stories, empty where all is well; `text` may change the rules first."""
    said = ""
    for rule_file in ("slo.yml", "alerts.yml", "labs.yml"):
        rule_text = text((RULES / scale / rule_file).read_text())
        (directory / rule_file).write_text(rule_text)
        mine = [case for case in cases if scale in case.scales and f"alert: {case.alert}\n" in rule_text]
        for every in sorted({case.every for case in mine}):
            tests = [together(members, scale) for members in side_by_side([c for c in mine if c.every == every], scale)]
            made = {"rule_files": [rule_file], "evaluation_interval": f"{every or STEP[scale]}s", "tests": tests,
                    "group_eval_order": re.findall(r"^  - name: (\w+)", rule_text, re.M)}  # else it is any
            (directory / "tests.yml").write_text(yaml.safe_dump(made, sort_keys=False, width=200))
            done = promtool("test", "rules", directory / "tests.yml")
            said += done.stdout + done.stderr if done.returncode else ""
    return said


def left_open(text):
    """Prometheus 3 leaves a range's first moment out, 2 does not: with ranges a millisecond shorter, 2 sees what 3 does."""
    return re.sub(r"(?<=\[)(\d+[smhd])(?=\])", lambda found: f"{rulefile.seconds(found[1]) - 1}s999ms", text)


@pytest.mark.parametrize("scale, change", [("classroom", str), ("production", str), ("classroom", left_open)],
                         ids=["classroom", "production", "classroom with the ranges of Prometheus 3"])
def test_every_alert_fires_when_it_must_and_only_then(tmp_path, scale, change):
    said = stories(scale, tmp_path, CASES, change)
    assert not said, said


@pytest.mark.parametrize("scale", rules.SCALES)
def test_every_alert_has_a_story_of_each_kind(scale):
    mine = [case for case in CASES if scale in case.scales]
    names = {case.alert for case in mine}
    assert {case.alert for case in mine if case.firing} == names
    assert {case.alert for case in mine if case.silent} == names - {"Watchdog"}


@pytest.mark.parametrize("old, new, culprit", [
    ("probe_success{job=\"blackbox\"} == 0", "probe_success{job=\"blackbox\"} == 1", "FrontendUnreachable"),
    ("unless on () sum", "and on () sum", "QueueStalled"),
    ("> 4.8", "> 48", "LatencyBurnsFast"),
    ("for: 45s", "for: 900s", "TargetDown"),
    ('result!="duplicate"', 'result!="stored"', "MessagesLost"),
])
def test_a_wrong_rule_is_found(tmp_path, old, new, culprit):
    mine = [case for case in CASES if case.alert == culprit and "classroom" in case.scales][:2]
    assert stories("classroom", tmp_path, mine) == ""
    said = stories("classroom", tmp_path, mine, lambda text: text.replace(old, new))
    assert culprit in said


# What the specification refuses.

def test_a_burn_that_no_outage_reaches_is_refused():
    with pytest.raises(Failure, match="production, availability: a burn of 120 would take an error ratio of 1.2"):
        rulefile.check_burns(rules.OBJECTIVES, [rules.Burn("1h", "5m", 120, "page")], "production")
    with pytest.raises(Failure, match="the short window 1h is not shorter"):
        rulefile.check_burns(rules.OBJECTIVES, [rules.Burn("1h", "1h", 2, "page")], "production")


def test_a_value_that_nobody_gave_is_named():
    with pytest.raises(Failure, match="Mine: nothing says what <windw> is"):
        rulefile.filled("rate(up[<windw>])", {"window": "5m"}, "Mine")


ALERT = next(alert for alert in rules.ALERTS if alert.name == "TargetDown")


@pytest.mark.parametrize("change, says", [
    ({"expr": "upp == 0"}, "alert TargetDown: no series is called upp"),
    ({"name": "NoRunbook"}, "alert NoRunbook: its runbook docs/runbooks/NoRunbook.md does not exist"),
    ({"summary": ""}, "alert TargetDown: has no summary"),
    ({"severity": "urgent"}, "alert TargetDown: its severity is 'urgent'"),
    ({"service": ""}, "alert TargetDown: has no label service"),
    ({"dashboard": "nowhere"}, "alert TargetDown: there is no dashboard 'nowhere'"),
])
def test_a_faulty_alert_is_named_with_its_culprit(change, says):
    group = rulefile.Group("mine", [rulefile.alert(replace(ALERT, **change), "classroom")])
    assert any(fault.startswith(says) for fault in complaints(ROOT, [group])), complaints(ROOT, [group])


def test_a_runbook_of_another_alert_is_refused(tmp_path):
    for directory in ("docs/runbooks", "grafana/dashboards", "prometheus/rules"):
        (tmp_path / directory).mkdir(parents=True)
    (tmp_path / "docs/metrics.md").write_text("| `up` | gauge | up |\n")
    (tmp_path / "grafana/dashboards/prometheus.json").write_text("{}")
    (tmp_path / "docs/runbooks/TargetDown.md").write_text("# SomethingElse\n")
    group = rulefile.Group("mine", [rulefile.alert(ALERT, "classroom")])
    assert complaints(tmp_path, [group]) == [
        "alert TargetDown: its runbook docs/runbooks/TargetDown.md does not begin with '# TargetDown'"]


# Against a workshop that runs.

def test_every_record_has_a_value(api):
    recorded = {rule["record"] for group in rulefile.groups("classroom") for rule in group.rules if "record" in rule}
    from until import until
    until(lambda: all(api.query(name) for name in recorded if name != "pipeline:unaccounted:messages"), 30, every=0.5)


def test_no_rule_fails(api):
    groups = api._get("rules")["groups"]
    assert {rule["health"] for group in groups for rule in group["rules"]} == {"ok"}
