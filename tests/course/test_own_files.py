"""What the workshop takes from a student's tree besides the programs: dashboards for the board, rules for Prometheus."""

import json

import pytest

from workshop.dashboards import find, listing
from workshop.ownrules import FILES, own_rules

PAGE = {"title": "Shipped", "panels": []}


def put(file, text):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_the_board_has_shipped_and_own_pages_and_the_own_one_comes_first(tmp_path):
    shipped, own = tmp_path / "shipped", tmp_path / "own"
    put(shipped / "redis.json", json.dumps(PAGE))
    put(own / "redis.json", json.dumps(PAGE | {"title": "Mine"}))
    put(own / "broken.json", "{")
    found = listing(shipped, own, tmp_path / "none")
    assert [row["title"] for row in found["dashboards"]] == ["Mine"] and len(found["broken"]) == 1
    assert find("redis", shipped, own)["title"] == "Mine" and find("redis", shipped)["title"] == "Shipped"


@pytest.mark.parametrize("text, taken", [("groups: [{name: a, rules: [{record: b, expr: up}]}]", True), ("groups: [", False),
                                         ("groups: [{name: a, rules: [{record: b, expr: up(}]}]", False)])
def test_prometheus_takes_the_rules_that_promtool_takes(tmp_path, text, taken):
    for path in FILES:
        put(tmp_path / path, text)
    said = []
    found = own_rules(tmp_path, said.append)
    assert found == ({"rules/mine-09.yml": text, "rules/mine-10.yml": text} if taken else {})
    assert len(said) == (0 if taken else 2) and all("promtool check rules mine/answers" in line for line in said)
