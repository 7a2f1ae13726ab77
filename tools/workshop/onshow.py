"""What a student sees of the product besides its programs: dashboards, rules and runbooks. They are the solutions of exercises,
so that a student's workshop shows each when its exercise is done. Without a course, and with `up --product`, all are there.

    hidden(root)     Hidden(dashboards, rules, runbooks): the names, without endings, that are not on show yet
    appeared(root, before)   what a Hidden of before had and today's has not, in words; None where that is nothing
"""

import re
from dataclasses import dataclass, field

from .course.progress import Progress
from .course.tree import Tree

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
