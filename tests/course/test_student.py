"""What else a student meets: a beginning, help, progress, commands that lead on, right answers that are not ours."""

import json
import re
import shutil
import signal
import subprocess

import pytest

from copy_of_tree import COUNT, HELLO, ROOT, edit, form
from mutants import right_answers
from workshop import Failure, ui
from workshop.course import catalogue
from workshop.course.place import Place
from workshop.course.progress import Progress
from workshop.course.tree import Tree

EXERCISES = catalogue.exercises(ROOT)
LONG = form() == "long"


@pytest.mark.parametrize("word", ["99", "-7", "x", "1.5", "01x", ""] if LONG else ["99", "x"])
@pytest.mark.parametrize("command", ["check", "exercise", "hint", "solve"] if LONG else ["check"])
def test_an_unknown_exercise(solved, command, word):
    status, said = solved.run(command, word)
    assert status == 2 and len(said.splitlines()) == 2, said


def test_before_the_start(copy):
    copy.set_tree({})
    (copy.tree.path / "frontend").rmdir()
    for words in (["check"], ["check", "1"], ["hint"], ["watch"], ["solve", "1"]) if LONG else (["check"], ["solve", "1"]):
        status, said = copy.run(*words, offset=False)
        assert status == 1 and said.startswith("workshop: there is no mine/ yet\n  → ./workshop start makes it"), said
    status, said = copy.run("exercise", offset=False)
    assert status == 0 and EXERCISES[0].title in said and "./workshop start" in said


@pytest.mark.skipif(not LONG, reason="in the long form")
def test_start_makes_the_tree_once_and_puts_it_aside_when_asked(solved):
    before = solved.tree.read(HELLO)
    status, said = solved.run("start")
    assert status == 1 and "exists already" in said and solved.tree.read(HELLO) == before
    status, said = solved.run("start", "--again")
    assert status == 0, said
    assert COUNT in before and COUNT not in solved.tree.read(HELLO)
    kept = solved.path / "mine-1"
    assert (kept / HELLO).read_text() == before
    assert "mv mine mine-new && mv mine-1 mine" in said, said
    subprocess.run("mv mine mine-new && mv mine-1 mine && rm -r mine-new", shell=True, cwd=solved.path, check=True)
    assert solved.tree.read(HELLO) == before and solved.run("check", "1")[0] == 0


# Help

def test_hints_come_one_at_a_time_and_then_end(solved):
    hints = EXERCISES[2].hints
    for count in (*range(1, len(hints) + 1), len(hints)):
        status, said = solved.run("hint", "2")
        assert status == 0 and f"({count} of {len(hints)}" in said
        assert said.count("\n") == count + 1 and hints[count - 1] in said


# Progress

def test_check_goes_on_where_one_stopped(servers):
    servers.set_tree(servers.solved_up_to(1))
    assert "next     0" in servers.run("exercise")[1]
    status, said = servers.run("check")
    assert status == 0 and "passed  exercise 0" in said and "next: exercise 1" in said
    status, said = servers.run("check")
    assert status == 1 and "exercise 1, " in said
    assert "passed   0" in servers.run("exercise")[1]
    edit(servers, "frontend/routes.c", '    {"GET", "/metrics", http_metrics},\n', "")
    assert servers.run("check", "0")[0] == 1
    assert "next     0" in servers.run("exercise")[1]


def test_a_file_that_is_moved_back_is_built(servers):
    servers.set_tree(servers.solved_up_to(2))
    assert servers.run("check", "1")[0] == 0
    file = servers.tree.path / "frontend/hello.c"
    kept = file.with_suffix(".kept")
    shutil.copy2(file, kept)
    edit(servers, "frontend/hello.c", "counter_inc(&hello_total);", "")
    assert servers.run("check", "1")[0] == 1
    kept.rename(file)  # with the time that it had
    assert servers.run("check", "1")[0] == 0


def test_reset_leaves_the_tree_and_says_so(copy):
    copy.set_tree(copy.solved_up_to(0))
    status, said = copy.run("reset", "--port-offset", "7190", offset=False)
    assert status == 0 and "mine/, your tree of the course, is as it was" in said, said
    assert copy.tree.read(HELLO) == copy.solved_up_to(0)[HELLO]


def test_a_tree_that_was_moved_meanwhile(tmp_path):
    with pytest.raises(Failure, match="mine/ is gone"):
        Progress(Tree(tmp_path)).note_pass(1)


DAMAGED = ['{"passed": [1, 2]}', "{", "", "[]", '{"passed": {"x": 1}, "hints": null}', '{"passed": 7}']


@pytest.mark.parametrize("content", DAMAGED if LONG else DAMAGED[:2])
def test_a_damaged_record_of_progress_costs_only_the_ticks(solved, content):
    (solved.tree.path / ".progress.json").write_text(content)
    status, said = solved.run("exercise")
    assert status == 0 and "next     0" in said


def test_watch_checks_again_on_save(servers):
    servers.set_tree(servers.solved_up_to(1))
    words = [str(servers.path / "workshop"), "watch", "1", "--port-offset", str(servers.port_offset)]
    watch = subprocess.Popen(words, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        assert "not yet" in until_watching(watch)
        servers.tree.write(servers.solved_up_to(2))
        assert "passed  exercise 1" in until_watching(watch)
        watch.send_signal(signal.SIGINT)
        assert watch.wait(10) == 0
    finally:
        watch.kill()


def test_a_run_of_watch_begins_with_the_time(servers):
    servers.set_tree(servers.solved_up_to(2))
    words = [str(servers.path / "workshop"), "watch", "1", "--port-offset", str(servers.port_offset)]
    with subprocess.Popen(words, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as watch:
        said = until_watching(watch)
        watch.terminate()
    assert re.match(r"--- \d\d:\d\d:\d\d -+\n", said), said


# What is said

@pytest.mark.parametrize("words, says", [
    (["chek", "1"], "there is no command 'chek'; did you mean ./workshop check?"), (["dorctor"], "mean ./workshop doctor?"),
    (["qqq"], "there is no command 'qqq'\n")])
def test_a_misspelt_command(copy, words, says):
    status, said = copy.run(*words, offset=False)
    assert status == 2 and says in said and "--help" in said and len(said.splitlines()) == 2, said


def test_what_is_said_leads_to_the_copy_that_was_asked(solved):
    option = f" --port-offset {solved.port_offset}"
    edit(solved, HELLO, COUNT, "")
    status, said = solved.run("check", "1")
    assert status == 1 and f"./workshop hint{option} 1" in said, said
    assert f"./workshop solve{option} 1 --show" in [solved.run("hint", "1") for _ in EXERCISES[1].hints][-1][1]
    solved.set_tree(solved.solved_up_to(2))
    assert f"./workshop exercise{option} 0" in solved.run("check", "1")[1]
    status, said = solved.run("exercise", "2")
    assert status == 0 and f"$ ./workshop check{option} 2" in said, said
    assert f"$ curl -s http://127.0.0.1:{5000 + solved.port_offset}/fruit" in said and "127.0.0.1:5000" not in said


@pytest.mark.parametrize("text, wanted", [
    ("./workshop up, then ./workshop check 3", "./workshop up --port-offset 7, then ./workshop check --port-offset 7 3"),
    ("./workshop logs --port-offset 7 redis", None), ("./workshop up --docker --port-offset 1000", None),
    ("./workshop --port-offset 7 check 1", None), ("./workshop test course", None), ("./workshop COMMAND --help", None)])
def test_a_command_in_a_sentence_gets_the_offset_once(text, wanted):
    ui.lead_to(" --port-offset 7")
    try:
        assert ui.led(text) == (wanted or text)
    finally:
        ui.lead_to("")
    assert ui.led(text) == text


def test_complaints_of_a_page_are_counted_once(copy, tmp_path):
    panel = {"id": 1, "type": "timeseries", "title": "a", "description": "b", "fieldConfig": {"defaults": {"unit": "short"}},
             "gridPos": {"x": 0, "y": 0, "w": 12, "h": 8}, "datasource": {"uid": "none"},
             "targets": [{"refId": "A", "expr": "up", "legendFormat": "c", "datasource": {"uid": "none"}}]}
    page = tmp_path / "page.json"
    page.write_text(json.dumps({"uid": "page", "title": "Page", "schemaVersion": 39, "panels": [panel]}))
    status, said = copy.run("dashboards", str(page))
    assert status == 1 and said.splitlines()[1:] == ["1 fault"], said


def until_watching(process):
    said = ""
    while "watching mine/" not in said:
        line = process.stdout.readline()
        assert line, said
        said += line
    return said


# What the checks leave behind

def test_a_check_leaves_nothing_behind(solved):
    solved.run("check", "1")
    pattern = str(solved.path / "build/release/bin")
    assert subprocess.run(["pgrep", "-f", pattern], capture_output=True).stdout == b""


def test_two_checks_at_once_do_not_meet(solved):
    words = [str(solved.path / "workshop"), "check", "1", "--port-offset", str(solved.port_offset)]
    both = [subprocess.Popen(words, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for _ in range(2)]
    for process in both:
        said = process.communicate(timeout=60)[0]
        assert process.returncode == 0, said


def test_what_a_killed_check_left_is_deleted(servers, stack):
    with Place(stack) as place:
        place.insert("pears", 3)
        number, name = place.number, place.name
        place._drop_database = lambda: None
        place._manage = lambda *words: None
    with Place(stack) as place:
        assert (place.number, place.name) == (number, name) and place.rows() == 0


# Right answers that are not ours

@pytest.mark.parametrize("right", right_answers() if LONG else [], ids=lambda right: right.name)
def test_another_right_answer_passes(servers, right):
    files = servers.solved_up_to(right.exercise + 1)
    text_of = {path: text if isinstance(text, str) else text.decode() for path, text in files.items()}
    servers.set_tree(files | right.changes(text_of.get))
    status, said = servers.run("check", str(right.exercise))
    assert status == 0, said


@pytest.mark.parametrize("number", EXERCISES if LONG else [4])
def test_the_whole_product_passes_each_check(servers, number):
    servers.set_tree(servers.solved_up_to(99))
    status, said = servers.run("check", str(number))
    assert status == 0, said
