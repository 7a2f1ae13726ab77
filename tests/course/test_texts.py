"""The texts: every command in them runs and says something, every line of C in a hint stands in the solution.

Commands stand in ```console blocks behind `$ `. They are run in the order of the exercises, in a tree in which each exercise
is solved when its text says `./workshop check`, as a student would have it then.
"""

import re
import shlex
import subprocess

import pytest

from copy_of_tree import ROOT, form
from workshop import ports
from workshop.course import catalogue, marks, tree

EXERCISES = catalogue.exercises(ROOT)
IN_C = [number for number in EXERCISES if number <= 5]
SILENT = ("cp ", "kill ")  # commands that say nothing where all is well
CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.M | re.S)


def commands(text):
    return [line[2:] for block in CONSOLE.findall(text) for line in block.splitlines() if line.startswith("$ ")]


def printed(copy, number):
    """The commands as `./workshop exercise` prints them for the copy's ports."""
    status, text = copy.run("exercise", str(number))
    assert status == 0 and len(commands(text)) == len(commands(EXERCISES[number].text))
    return commands(text)


@pytest.fixture(scope="module")
def whole(servers):
    """It is up from the exercise before, as it is for whoever goes on."""
    servers.set_tree(servers.solved_up_to(0))
    status, said = servers.run("up", "--no-traffic", timeout=180)
    assert status == 0, said
    yield servers
    servers.run("down")
    servers.stack.start("postgres", "redis", "rabbitmq")


@pytest.mark.skipif(form() == "short", reason="in the long form")
@pytest.mark.parametrize("number", EXERCISES)
def test_every_command_of_the_text_runs(whole, number):
    solved, asked = whole.solved_up_to(number + 1), printed(whole, number)
    assert f"./workshop check --port-offset {whole.port_offset} {number}" in asked
    for command in asked:
        command = re.sub(r"^\./workshop up", "./workshop up --no-traffic", command)  # the texts say what one request does
        whole.set_tree(solved)  # a command may have copied what the student is to mend
        done = subprocess.run(["bash", "-c", command], cwd=whole.path, text=True, timeout=180,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert done.returncode == 0 and (done.stdout.strip() or command.startswith(SILENT)), f"$ {command}\n{done.stdout}"
        if "grep" in command and number:
            name = shlex.split(command)[-1].strip("^").split(".*")[0]
            assert name in done.stdout


def test_up_runs_the_tree_of_the_start(servers):
    """Without a page of metrics, and without a server in the backend."""
    if form() == "short":
        pytest.skip("in the long form")
    servers.set_tree(servers.solved_up_to(0))
    status, said = servers.run("up", "--no-traffic", timeout=180)
    assert status == 0 and "frontend and backend are yours, from mine/" in said, said
    assert not ports.answers(ports.PORTS["backend"] + servers.port_offset)


# The instructor's plans

def plans():
    """{"Two hours": [(minutes, what)]}"""
    text = (ROOT / "docs/instructor.md").read_text()
    return {title: [(int(minutes), what) for minutes, what in re.findall(r"^\| (\d+) \| (.*) \|$", section, re.M)]
            for title, section in re.findall(r"^## (\w+ hours)\n(.*?)(?=^## )", text, re.M | re.S)}


def minutes(number):
    return int(re.search(r"^\*About (\d+) minutes", EXERCISES[number].text, re.M)[1])


def named(what):
    """The exercises that a row of a plan is for: "Exercises 0 to 5", "Exercise 6", "The game day, exercise 14"."""
    found = re.match(r"(?:.*?e|E)xercises? (\d+)(?: (to|and) (\d+))?", what)
    if not found:
        return []
    first, last = int(found[1]), int(found[3] or found[1])
    return list(range(first, last + 1)) if found[2] == "to" else sorted({first, last})


@pytest.mark.parametrize("title, whole", [("Two hours", 120), ("Four hours", 240)])
def test_a_plan_gives_each_exercise_the_time_that_its_text_says(title, whole):
    rows = plans()[title]
    assert sum(given for given, _ in rows) == whole
    for given, what in rows:
        wanted = sum(minutes(number) for number in named(what))
        assert wanted <= given <= (wanted + 5 if wanted else 10), f"{given} minutes for {wanted}: {what}"
    assert sum(bool(named(what)) for _, what in rows) >= 4


# What they say

def plain(text):
    return re.sub(r"\s+", "", text)


SOLUTION = plain("\n".join(tree.derived(ROOT, range(100)).values()))


@pytest.mark.parametrize("number", IN_C)
def test_the_code_in_hints_and_text_is_that_of_the_solution(number):
    entry = EXERCISES[number]
    lines = [plain(line) for path, text in tree.sources(ROOT).items() for _, line in marks.of_exercise(text, number, path)]
    spans = [span for text in entry.hints for span in re.findall(r"`([^`]+)`", text)]
    for span in spans:
        assert plain(span) in SOLUTION, f"hint of {number}: {span}"
    for block in re.findall(r"^```c\n(.*?)^```$", entry.text, re.M | re.S):
        for statement in block.strip().split(";\n"):
            assert plain(statement).rstrip(";") in SOLUTION, f"text of {number}: {statement}"
    assert not spans or any(line in plain(span) or plain(span) in line for span in spans for line in lines if len(line) > 10)


@pytest.mark.parametrize("number", EXERCISES)
def test_the_text_has_a_title_and_its_check(number):
    text = EXERCISES[number].text
    assert text.startswith(f"# {number}. ") and f"./workshop check {number}" in text
    assert re.search(r"^\*About \d+ minutes", text, re.M)
    assert not [line for line in text.splitlines() if len(line) > 140 and not line.startswith(("|", "$ "))]
