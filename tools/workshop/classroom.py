"""The class as the instructor's Prometheus sees it: class.txt beside ./workshop, one laptop a line.

    # ADDRESS or ADDRESS:PORT, as `./workshop share` says it
    192.168.1.17
    192.168.1.23:5091

`./workshop up` and `./workshop class` hand it to Prometheus as the targets of the job `class`.
"""

import json
import re
from concurrent.futures import ThreadPoolExecutor

from .course.exposition import Garbage, parse
from .service import http_get
from .share import PORT
from .ui import Failure, say

FILE = "class.txt"
ADDRESS = re.compile(r"([A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9a-fA-F:]+\])(?::(\d{1,5}))?")
PATIENCE = 2      # seconds for one laptop
AT_ONCE = 16
PASSED, HINTS = "workshop_exercise_passed", "workshop_exercise_hints"


def laptops(root):
    """HOST:PORT of each; none where there is no file."""
    try:
        lines = (root / FILE).read_text().splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"{FILE} cannot be read: {error}") from None
    return list(dict.fromkeys(filter(None, (_laptop(number, line) for number, line in enumerate(lines, 1)))))


def _laptop(number, line):
    text = line.partition("#")[0].strip()
    if not text:
        return None
    found = ADDRESS.fullmatch(text)
    if not found or int(found[2] or PORT) > 65535:
        raise Failure(f"{FILE}, line {number}: '{text}' is no ADDRESS or ADDRESS:PORT", f"such as 192.168.1.17:{PORT}")
    return f"{found[1]}:{found[2] or PORT}"


def targets(root):
    """The content of targets/class.json."""
    found = laptops(root)
    return json.dumps([{"targets": found}] if found else []) + "\n"


def show(root, stack):
    """One line a laptop. Exit status 0 where all of them answer."""
    found = laptops(root)
    if not found:
        raise Failure(f"there is nobody in {FILE}" if (root / FILE).exists() else f"there is no {FILE}",
                      f"put a line into it for each laptop that shares: 192.168.1.17:{PORT}, or a name")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(ask, found))
    for laptop, (here, text) in zip(found, answers):
        say(f"{laptop:24} {text}")
    if stack.prometheus.running:
        changed = stack.prometheus.refresh()
        say(f"Prometheus {'now scrapes' if changed else 'scrapes'} them: {stack.board.url}/d/class")
    else:
        say(f"Prometheus does not run: ./workshop up{stack.option} --native starts it, and {stack.board.url}/d/class shows the class")
    return 0 if all(here for here, _ in answers) else 1


def ask(laptop):
    """(whether it shares, what there is to say)"""
    status, body = http_get(f"http://{laptop}/metrics", PATIENCE)
    if status != 200:
        return False, f"answers {status}" if status else "no answer: " + re.sub(r"<urlopen error (\[Errno -?\d+\] )?(.*)>", r"\2", body)
    try:
        page = parse(body)
    except Garbage as garbage:
        return False, f"something else answers there: {garbage}"
    students = sorted({labels.get("student", "") for labels in page.labels(PASSED)})
    if not students:
        return False, f"something else answers there: it has no {PASSED}"
    return True, ", ".join(_student(page, student) for student in students)


def _student(page, student):
    samples = page.samples(PASSED, student=student)
    return f"{student}: {sum(sample.value for sample in samples):g} of {len(samples)} passed, {page.value(HINTS, student=student) or 0:g} hints"
