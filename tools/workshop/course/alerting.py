"""A student's rules: what promtool says of the file, what is in it, stories in which an alert must fire or be silent, and
unit tests of the student's own, which are tested by taking something out of the rule.

    groups = loaded(t, "answers/09/rules.yml")           Prometheus's own reading of the file, or a Wrong
    addressed(rule, why)                                 Wrong where it wakes nobody, or says nothing
    tell(t, groups, stories)                             Wrong with the first story that ends otherwise
    try_tests(t, "answers/09/test.yml", groups, broken)  Wrong where the tests fail, or do not notice a broken rule

Files are written as JSON, which is YAML too.
"""

import json
import os
import re
import subprocess
from dataclasses import dataclass

from ..service import http_get
from .report import Wrong


@dataclass
class Story:
    """`series` is {series: values} in promtool's notation, a value every five seconds. At each moment of `firing` (seconds)
    the alert fires, at each of `silent` it does not."""
    what: str
    likely: str
    series: dict
    alert: str = ""
    firing: tuple = ()
    silent: tuple = ()


def promtool(*words, cwd=None):
    """(whether it was content, what it said)"""
    thrifty = os.environ | {"GOGC": "400"}  # less collecting of garbage, a quarter of its time
    done = subprocess.run(["promtool", *map(str, words)], capture_output=True, text=True, cwd=cwd, env=thrifty)
    return done.returncode == 0, (done.stdout + done.stderr).strip()


def loaded(t, path):
    """The file's groups as Prometheus reads them: [{name, rules: [{alert|record, expr, for, labels, annotations}]}]."""
    text, name = t.answer(path), path.rsplit("/", 1)[1]
    file = t.scratch / name
    file.write_text(text + "\n")
    content, said = promtool("check", "rules", file)
    if not content:
        raise Wrong(f"promtool does not take {name}: {reason(said, file)}", expected="groups, each with rules",
                    likely="spaces at the beginning of a line count in YAML, and a text with : or { needs quotes: "
                    f"promtool check rules mine/{path} says the same")
    _, body = http_get(t.prometheus({}, rules=[file]).url + "/api/v1/rules", 5)
    return [{"name": group["name"], "rules": [plain(rule) for rule in group["rules"]]}
            for group in json.loads(body)["data"]["groups"]]


def plain(rule):
    kind = "alert" if rule["type"] == "alerting" else "record"
    made = {kind: rule["name"], "expr": rule["query"], "labels": rule.get("labels", {})}
    if kind == "alert":
        made |= {"for": f"{rule['duration']:g}s", "annotations": rule.get("annotations", {})}
    return made


def rules_named(groups, kind, name):
    return [rule for group in groups for rule in group["rules"] if rule.get(kind) == name]


def one(groups, kind, name, where):
    """The rule of that name; Wrong where there is none, or there are several."""
    found = rules_named(groups, kind, name)
    if len(found) == 1:
        return found[0]
    others = [rule.get("alert") or rule["record"] for group in groups for rule in group["rules"]]
    what = f"alert {name}" if kind == "alert" else f"recording rule {name}"
    raise Wrong(f"{where} has {'no' if not found else f'{len(found)} times the'} {what}", expected=f"one {what}",
                likely=f"there is {', '.join(others)}" if others else
                f"a rule is an item of `rules:` in a group: `- {kind}: {name}`, with `expr:` below it")


def addressed(rule, why):
    """That it wakes somebody, and tells them something."""
    severity = rule["labels"].get("severity", "not said")
    if severity != "page":
        raise Wrong(f"the severity of {rule['alert']} is {severity}", expected="severity: page, below labels:", likely=why)
    if not rule["annotations"].get("summary", "").strip():
        raise Wrong(f"{rule['alert']} has no summary", expected="annotations: with a summary, one sentence",
                    likely="it is all that somebody reads at night: say what is broken, and for whom")


def changed(groups, kind, name, **changes):
    """The groups with that rule changed; None takes a key out."""
    def put(rule):
        return {key: value for key, value in (rule | changes).items() if value is not None} if rule.get(kind) == name else rule
    return [group | {"rules": [put(rule) for rule in group["rules"]]} for group in groups]


def write(file, groups):
    file.write_text(json.dumps({"groups": groups}))
    return file


# Stories.

def tell(t, groups, stories, every="1s"):
    """Wrong with the first that ends otherwise. `every`: how often the rules are evaluated."""
    write(t.scratch / "told.yml", groups)
    (t.scratch / "stories.yml").write_text(json.dumps(
        {"rule_files": ["told.yml"], "evaluation_interval": every, "tests": _played(stories)}))
    content, said = promtool("test", "rules", "stories.yml", cwd=t.scratch)
    if content:
        return
    failed = [(int(found[1]), found[2], found[3]) for found in ENDING.finditer(said)]
    if not failed:
        raise Wrong(f"promtool cannot play the rules: {reason(said)}", expected="rules that it evaluates",
                    likely="try the expression in Prometheus's page")
    number, moment, got = min(failed)
    story = stories[number]
    raise Wrong(f"{story.what}: after {moment}, {story.alert} {'fires' if '1E+00' in got else 'is silent'}",
                expected=expected(story), likely=story.likely)


def _played(stories):
    """Those of the same series together: promtool has to play it once only."""
    plays = {}
    for number, story in enumerate(stories):
        moments = [*_moments(number, story, story.firing, 1), *_moments(number, story, story.silent, 0)]
        plays.setdefault(json.dumps(story.series), []).extend(moments)
    return [{"interval": "5s", "promql_expr_test": moments,
             "input_series": [{"series": name, "values": values} for name, values in json.loads(series).items()]}
            for series, moments in plays.items()]


# What promtool says of a moment that was otherwise; the number of the story is in the query.
ENDING = re.compile(r'or vector\(0 \* (\d+)\)", time: (\w+),\s*exp:.*?got:\s*(.*?)\s*(?=\n\n|\n\s+expr|$)', re.S)


def _moments(number, story, moments, value):
    query = f'clamp_max(count(ALERTS{{alertname="{story.alert}",alertstate="firing"}}), 1) or vector(0 * {number})'
    return [{"expr": query, "eval_time": f"{at}s", "exp_samples": [{"labels": "{}", "value": value}]} for at in moments]


def expected(story):
    return "; ".join(f"{story.alert} {word} after {', '.join(f'{at} s' for at in moments)}"
                     for word, moments in (("fires", story.firing), ("is silent", story.silent)) if moments)


# The student's own tests.

def try_tests(t, path, groups, broken):
    """`broken` is [(groups, what was done to them, likely)]: each must make the tests fail."""
    text, name = t.answer(path), path.rsplit("/", 1)[1]
    (t.scratch / name).write_text(text + "\n")
    if not re.search(r"\brules\.yml\b", text):
        raise Wrong(f"{name} names no rules.yml", expected="rule_files: [rules.yml]",
                    likely="the paths in rule_files are seen from where the test's file lies")
    write(t.scratch / "rules.yml", groups)
    content, said = promtool("test", "rules", name, cwd=t.scratch)
    if not content:
        raise Wrong(f"your own test, {name}, fails", shown=lines(said), expected="a test that your rule passes",
                    likely="exp: is what your test says, got: what the rule did; labels and annotations must be given in full")
    for other, what, likely in broken:
        write(t.scratch / "rules.yml", other)
        if promtool("test", "rules", name, cwd=t.scratch)[0]:
            raise Wrong(f"your test does not notice that {what}", expected="a test that fails then", likely=likely)


def lines(said, most=8):
    kept = [line.strip() for line in said.splitlines() if line.strip() and "Unit Testing" not in line]
    return "\n".join(line[:200] for line in kept[:most])


def reason(said, file=None):
    kept = [line.strip() for line in said.splitlines() if line.strip() and not line.startswith(("Checking", "Unit Testing"))
            and line.strip() != "FAILED:"]
    text = " ".join(dict.fromkeys(kept)).removeprefix("FAILED:").strip()
    return (text.replace(f"{file}: ", "").replace(str(file), "the file") if file else text)[:300]
