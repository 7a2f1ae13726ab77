"""What a student sees of the product besides its programs: dashboards, rules and runbooks. They are the solutions of exercises,
so that a student's workshop shows each when its exercise is done. Without a course, and with `up --product`, all are there.

    hidden(root)     Hidden(dashboards, rules, runbooks): the names, without endings, that are not on show yet
    mounts(root, directory, alerts, course)   what docker-compose.yml asks its environment for; the files are in `directory` then
    appeared(root, before)   what a Hidden of before had and today's has not, in words; None where that is nothing
"""

import json
import re
from dataclasses import dataclass, field

from .course.progress import Progress
from .course.tree import Tree
from .ownrules import own_rules

# Name → the exercise whose solution it is. What stands here under no number is nobody's solution, and always there.
DASHBOARDS = {"overview": 7, "frontend": 7, "backend": 7, "traffic": 7, "host": 8, "postgres": 8, "rabbitmq": 8, "redis": 8,
              "slo": 10}
RULES = {"alerts": 9, "slo": 10}
RUNBOOK = re.compile(r"runbook_url: docs/runbooks/(\w+)\.md")


@dataclass
class Hidden:
    """name → exercise"""

    dashboards: dict = field(default_factory=dict)
    rules: dict = field(default_factory=dict)
    runbooks: dict = field(default_factory=dict)


def hidden(root):
    tree = Tree(root)
    if not tree.exists:
        return Hidden()
    progress = Progress(tree)
    last = max(progress.passed | progress.solved, default=-1)  # who goes past an exercise shall not miss what comes of it
    ahead = {number for number in {*DASHBOARDS.values(), *RULES.values()} if number > last}
    return Hidden(*({name: number for name, number in names.items() if number in ahead}
                    for names in (DASHBOARDS, RULES, runbooks(root))))


def runbooks(root):
    """Runbook → exercise, as the rules name them."""
    return {name: number for rules, number in RULES.items()
            for name in RUNBOOK.findall((root / f"prometheus/rules/classroom/{rules}.yml").read_text())}


def appeared(root, before):
    now, said = hidden(root), []
    if pages := sorted(before.dashboards.keys() - now.dashboards.keys()):
        said.append(f"on the board: {', '.join(pages)}")
    if before.rules.keys() - now.rules.keys():
        said.append("the workshop's own rules and their runbooks, which ./workshop up has Prometheus follow")
    return "; ".join(said) or None


def mounts(root, directory, alerts, course):
    """({variable: directory}, whether the rules there changed); empty without a tree. Pages in mine/answers are mounted as they
    are, and show each edit. Rules are copied, since one that Prometheus refuses would keep it from starting."""
    tree = Tree(root)
    if not tree.exists:
        return {}, False
    ahead = hidden(root) if course else Hidden()
    own = {_uid(file) for number in ("07", "08") for file in (tree.path / "answers" / number).glob("*.json")}
    pages = {file.name: file.read_text() for file in (root / "grafana/dashboards").glob("*.json")
             if file.stem not in ahead.dashboards and file.stem not in own}
    rules = {file.name: file.read_text() for file in (root / "prometheus/rules" / alerts).glob("*.yml")
             if file.stem not in ahead.rules}
    rules |= {name.removeprefix("rules/"): text for name, text in own_rules(root).items()}
    _fill(directory / "pages", pages)
    changed = _fill(directory / "rules" / alerts, rules)
    for number in ("07", "08"):
        (tree.path / "answers" / number).mkdir(parents=True, exist_ok=True)  # or the engine would make them, as root
    return {"PAGES": str(directory / "pages"), "RULES": str(directory / "rules"), "ANSWERS": str(tree.path / "answers")}, changed


def _uid(file):
    """Grafana takes no uid twice: the student's page has the place of ours."""
    try:
        content = json.loads(file.read_text())
    except (OSError, ValueError):
        return file.stem
    return content.get("uid") or file.stem if isinstance(content, dict) else file.stem


def _fill(directory, files):
    """Makes it hold these files and no others, and stay the same directory, for it is mounted. True where that changed it."""
    directory.mkdir(parents=True, exist_ok=True)
    before = {file.name: file.read_text() for file in directory.iterdir()}
    for name in before.keys() - files.keys():
        (directory / name).unlink()
    for name, text in files.items():
        if before.get(name) != text:
            (directory / name).write_text(text)
    return before != files
