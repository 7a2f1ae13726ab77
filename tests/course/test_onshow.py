"""What a student's workshop shows of the product: pages, rules and runbooks appear as their exercises pass."""

import json

import pytest

from copy_of_tree import ROOT, done
from workshop import Stack, free_offset, onshow
from workshop.course import catalogue
from workshop.docker import Docker
from workshop.prometheus import Api
from workshop.service import http_get

PAGES, EIGHT = set(onshow.DASHBOARDS), {"host", "postgres", "rabbitmq", "redis"}


@pytest.fixture
def tree(copy):
    copy.set_tree(copy.solved_up_to(0))
    return copy


def test_all_that_is_named_is_there():
    assert PAGES <= {file.stem for file in (ROOT / "grafana/dashboards").glob("*.json")}
    assert set(onshow.RULES) <= {file.stem for file in (ROOT / "prometheus/rules/production").glob("*.yml")}
    imported = catalogue.exercises(ROOT)[8].directory / "solution.json"
    assert {f"grafana/dashboards/{name}.json" for name in EIGHT} == set(json.loads(imported.read_text()).values())
    books = {file.stem for file in (ROOT / "docs/runbooks").glob("*.md")}
    assert {"TargetDown", "LatencyBurnsSlowly"} <= set(onshow.runbooks(ROOT)) <= books


@pytest.mark.parametrize("numbers, kind, pages, rules", [
    ((), "passed", PAGES, {"alerts", "slo"}), ((0, 1), "passed", PAGES, {"alerts", "slo"}),
    ((7,), "passed", EIGHT | {"slo"}, {"alerts", "slo"}), ((7,), "solved", EIGHT | {"slo"}, {"alerts", "slo"}),
    ((9,), "passed", {"slo"}, {"slo"}), ((13,), "passed", set(), set())])
def test_what_is_ahead_is_hidden(tree, numbers, kind, pages, rules):
    done(tree, *numbers, kind=kind)
    found = onshow.hidden(tree.path)
    assert found.dashboards.keys() == pages and found.rules.keys() == rules
    assert ("QueueStalled" in found.runbooks) == ("alerts" in rules)
    assert ("LatencyBurnsFast" in found.runbooks) == ("slo" in rules)


def test_without_a_course_nothing_is_hidden(tmp_path):
    assert onshow.hidden(tmp_path) == onshow.Hidden()


def test_the_passing_check_tells_what_there_is_to_compare(tree):
    before = onshow.hidden(tree.path)
    assert onshow.appeared(tree.path, before) is None
    done(tree, 9)
    said = onshow.appeared(tree.path, before)
    assert "on the board: backend, frontend" in said and "rules" in said and "slo" not in said


RULE = "groups: [{name: a, rules: [{record: b, expr: up}]}]"


def test_containers_get_the_students_pages_and_rules(tree, tmp_path):
    tree.tree.write({"answers/09/rules.yml": RULE, "answers/10/rules.yml": "groups: [",
                     "answers/08/mine.json": '{"uid": "redis"}'})
    done(tree, 9)
    found, changed = onshow.mounts(tree.path, tmp_path, "production", True)
    pages, rules = ({file.name: file.read_text() for file in directory.iterdir()} for directory in
                    (tmp_path / "pages", tmp_path / "rules/production"))
    assert changed and "alerts.yml" in rules and not {"slo.yml", "mine-10.yml"} & rules.keys() and rules["mine-09.yml"] == RULE
    assert {"overview.json", "host.json"} <= pages.keys() and not {"slo.json", "redis.json"} & pages.keys()
    assert found == {"PAGES": str(tmp_path / "pages"), "RULES": str(tmp_path / "rules"),
                     "ANSWERS": str(tree.tree.path / "answers")}
    assert onshow.mounts(tree.path, tmp_path, "production", True) == (found, False)
    tree.tree.write({"answers/09/rules.yml": RULE.replace("b,", "c,")})
    assert onshow.mounts(tree.path, tmp_path, "production", False) == (found, True)
    assert {"slo.json", "host.json"} <= {file.name for file in (tmp_path / "pages").iterdir()}


def test_containers_without_a_course_get_the_products(tmp_path):
    assert onshow.mounts(tmp_path, tmp_path / "x", "classroom", False) == ({}, False) and not (tmp_path / "x").exists()


def test_containers_are_waited_for(monkeypatch):
    monkeypatch.setattr(Docker, "_unhealthy", lambda docker, wanted: None)
    monkeypatch.setattr(Api, "targets", lambda api, since: {"frontend": ("up", "")})
    Docker(ROOT)._wait(["frontend"], False, 0)


@pytest.mark.parametrize("course", [True, False])
def test_prometheus_follows_the_rules_of_what_is_done(tree, tmp_path, course):
    stack = Stack(tree.path, tmp_path, port_offset=free_offset())
    stack.mine = course
    rules = tmp_path / "prometheus-config/rules"
    for numbers, wanted in (((), set()), ((9,), {"alerts"}), ((9, 10), {"alerts", "slo"})):
        done(tree, *numbers)
        stack.prometheus.prepare()
        found = {file.stem for file in rules.glob("*.yml")} & {*onshow.RULES}
        assert found == (wanted if course else {"alerts", "slo"})


def test_the_board_shows_them_at_once(tree, tmp_path):
    done(tree)
    with Stack(tree.path, tmp_path, port_offset=free_offset(), die_with_parent=True) as stack:
        stack.mine = True
        stack.start("board")
        assert uids(stack) >= {"mine", "class"} and not uids(stack) & PAGES
        for path, number in (("api/dashboards/slo", 10), ("runbooks/QueueStalled.md", 9)):
            status, said = http_get(f"{stack.board.url}/{path}", 5)
            assert status == 404 and f"belongs to exercise {number}, and appears when that has passed" in said
        done(tree, 10)
        assert uids(stack) >= PAGES
        assert {http_get(f"{stack.board.url}/{path}", 5)[0] for path in ("api/dashboards/slo", "runbooks/QueueStalled.md")} == {200}
        stack.mine = False
        assert stack.board.outdated()
        stack.board.restart()
        done(tree)
        assert uids(stack) >= PAGES and not stack.board.outdated()


def uids(stack):
    return {row["uid"] for row in json.loads(http_get(f"{stack.board.url}/api/dashboards", 5)[1])["dashboards"]}
