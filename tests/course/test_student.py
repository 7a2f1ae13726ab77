"""What else a student meets: trees that do not work, help, solutions beside edits of their own, progress."""

import json
import re
import shutil
import signal
import subprocess
import types

import pytest

from copy_of_tree import ROOT, form
from mutants import right_answers
from workshop import ui
from workshop.course import catalogue, checking
from workshop.course.place import Place
from workshop.course.report import Wrong
from workshop.course.tree import Tree, merge, sources

EXERCISES = catalogue.exercises(ROOT)
LONG = form() == "long"
HELLO = "frontend/hello.c"
COUNT = "    counter_inc(&hello_total);\n"
WORKER, FRUIT = "backend/worker.c", "frontend/fruit_get.c"
DECLARATION = 'COUNTER(hello_total, "hello_total", "Total number of hello requests.");\n'

# What somebody wrote in the place of some text, and what `check 1` says of it.
BROKEN = {
    "no semicolon": (HELLO, COUNT, "    counter_inc(&hello_total)\n", "does not compile: mine/frontend/hello.c:", "is a ; "),
    "no such function": (HELLO, COUNT, "    count_it();\n", "implicit declaration of function 'count_it'", "count_it();"),
    "not declared": (HELLO, DECLARATION, "", "mine/frontend/hello.c:", "'hello_total' undeclared"),
    "no such label": ("frontend/observe.c", "with(http_requests, .method", "with(http_requests, .methods",
                      "mine/frontend/observe.c:", "has no label of that name"),
    "a label left out": ("frontend/observe.c", ", .code = text", "", "mine/frontend/observe.c:", "every label"),
    "a summary without its window": (WORKER, ", WINDOW(600)", "", "mine/backend/worker.c:", "either both of QUANTILES and WINDOW"),
    "a histogram without buckets": ("frontend/observe.c", " BUCKETS_DEFAULT,", "", "mine/frontend/observe.c:", "the buckets, then the labels"),
    "a text for a number": (FRUIT, "all_fruits, strtod(digits, NULL)", "all_fruits, digits", "mine/frontend/fruit_get.c:",
                            "strtod(text, NULL) reads the number"),
    "the metric itself": (FRUIT, "gauge_set(&all", "gauge_set(all", "mine/frontend/fruit_get.c:", "the metric's address: &name"),
    "static here, not in the header": ("frontend/fruit_post.c", "void fruit_request_count(", "static void fruit_request_count(",
                                       "mine/frontend/fruit_post.c:", "'fruit_request_count' is declared elsewhere"),
    "not linked": (HELLO, COUNT, "    void far_away(void);\n    far_away();\n", "does not link: hello.c", "far_away"),
    "a name twice": (HELLO, '"hello_total"', '"fruit_requests_total"', "frontend crashed (SIGABRT) while it started",
                     "the name is taken"),
    "no name": (HELLO, '"hello_total"', '"hello-total"', "mine/frontend/hello.c:", "this is no metric name"),
    "a counter in a header": ("frontend/fruit_post.h", "void fruit_request_count(void);",
                              '#include "metrics/metrics.h"\nCOUNTER(mine_total, "mine_total", "Mine.");\nvoid fruit_request_count(void);',
                              "mine/frontend/fruit_post.h:", "move it into one .c file"),
    "crash": (HELLO, COUNT, "    raise(SIGSEGV);\n", "frontend crashed (SIGSEGV) on GET /hello", "its last line"),
    "exit": (HELLO, COUNT, "    exit(3);\n", "frontend ended with exit status 3 on GET /hello", "its last line"),
    "hang": (HELLO, COUNT, "    for (volatile int go = 1; go;)\n        ;\n", "frontend does not answer GET /hello within 5 s",
             "holds up the whole program"),
    "no answer": (HELLO, COUNT, COUNT + "    if (x)\n        return;\n", "does not answer GET /hello", "does each answer once"),
}


@pytest.fixture
def solved(servers):
    """A tree with exercises 0 and 1."""
    servers.set_tree(servers.solved_up_to(2))
    return servers


def edit(copy, path, old, new):
    text = copy.tree.read(path)
    assert text.count(old) == 1
    copy.tree.write({path: text.replace(old, new)})


def done(copy, *numbers):
    (copy.tree.path / ".progress.json").write_text(json.dumps({"passed": dict.fromkeys(numbers, 1)}))


@pytest.mark.parametrize("name", [name for name in BROKEN if LONG or name in ("no such label", "crash")])
def test_a_tree_that_does_not_work_is_told_in_words(solved, name):
    path, old, new, *says = BROKEN[name]
    solved.set_tree(solved.solved_up_to(6))
    more = "#include <signal.h>\n#include <stdlib.h>\n" if name in ("crash", "exit") else ""
    edit(solved, path, old, new)
    if more:
        edit(solved, path, f'#include "{path[:-1]}h"\n', f'{more}#include "{path[:-1]}h"\n')
    status, said = solved.run("check", "1")
    assert status == 1 and "not yet" in said
    for text in says:
        assert text in said, said


def test_a_program_that_was_emptied(solved):
    for file in (solved.tree.path / "backend").glob("*.c"):
        file.unlink()
    status, said = solved.run("check", "1")
    assert status == 1 and "there is no C file in mine/backend/" in said


@pytest.mark.parametrize("gone, says", [(HELLO, "does not link: "), ("frontend/hello.h", "does not compile: ")])
def test_a_file_that_is_gone_is_named_and_put_back(solved, gone, says):
    edit(solved, FRUIT, "/* GET /fruit;", "/* Mine. GET /fruit;")
    own, before = solved.tree.read(FRUIT), solved.tree.read(gone)
    for path in (gone, "answers/06/p95.promql"):
        (solved.tree.path / path).unlink()
    status, said = solved.run("check", "1")
    assert status == 1 and says in said and f"mine/{gone} is gone: ./workshop" in said, said
    done(solved, 0, 1)
    status, said = solved.run("start")
    assert status == 0 and f"mine/{gone}" in said and "mine/answers/06/p95.promql" in said, said
    assert solved.tree.read(gone) == before and solved.tree.read(FRUIT) == own
    status, said = solved.run("start")
    assert status == 1 and "exists already" in said, said


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
    subprocess.run(["rm", "-r", str(kept)], check=True)


def test_a_missing_answer(servers):
    entry = types.SimpleNamespace(number=6)
    stack = types.SimpleNamespace(root=servers.path)
    check = checking.Check(stack, entry, None)
    with pytest.raises(Wrong, match="there is no mine/answers/none.promql"):
        check.answer("answers/none.promql")
    servers.tree.write({"answers/none.promql": "\n"})
    with pytest.raises(Wrong, match="is empty"):
        check.answer("answers/none.promql")


# Help

def test_hints_come_one_at_a_time_and_then_end(solved):
    hints = EXERCISES[2].hints
    for count in (*range(1, len(hints) + 1), len(hints)):
        status, said = solved.run("hint", "2")
        assert status == 0 and f"({count} of {len(hints)}" in said
        assert said.count("\n") == count + 1 and hints[count - 1] in said


def test_solve_leaves_other_edits(servers):
    servers.set_tree(servers.solved_up_to(1))
    edit(servers, HELLO, "/* GET /hello; see hello.h.", "/* My own words. GET /hello; see hello.h.")
    edit(servers, HELLO, "    if (delay_ms > 0)\n", "    if (delay_ms > 1)\n")
    status, said = servers.run("solve", "1")
    assert status == 0 and "mine/frontend/hello.c" in said, said
    text = servers.tree.read(HELLO)
    assert "My own words." in text and "delay_ms > 1" in text and COUNT in text and DECLARATION in text
    assert servers.run("check", "1")[0] == 0
    assert "has the solution of exercise 1 already" in servers.run("solve", "1")[1]


def test_solve_leaves_an_answer_that_passed(servers):
    files = servers.solved_up_to(2)
    servers.set_tree(files | {HELLO: files[HELLO].replace(COUNT, "    counter_add(&hello_total, 1);\n")})
    assert servers.run("check", "1")[0] == 0
    status, said = servers.run("solve", "1")
    assert status == 0 and "has passed already" in said and "counter_add" in servers.tree.read(HELLO)


def test_solve_says_which_line_is_in_its_way_and_touches_nothing(servers):
    servers.set_tree(servers.solved_up_to(1))
    edit(servers, HELLO, "    struct app *app = context;\n    int64_t",
         "    struct app *my_app = context, *app = my_app;\n    int64_t")
    before = {path: servers.tree.read(path) for path in servers.solved_up_to(1)}
    line = before[HELLO].split("\n").index("    struct app *my_app = context, *app = my_app;") + 1
    status, said = servers.run("solve", "1")
    assert status == 1 and f"mine/frontend/hello.c: line {line} " in said and "--show" in said, said
    assert before == {path: servers.tree.read(path) for path in before}


def test_solve_beside_an_own_attempt_does_not_break_the_tree(servers):
    servers.set_tree(servers.solved_up_to(1))
    edit(servers, HELLO, "static void on_confirm(", 'COUNTER(hello_total, "hello", "Mine.");\n\nstatic void on_confirm(')
    before = servers.tree.read(HELLO)
    status, said = servers.run("solve", "1")
    assert status == 1 and "was left as it was" in said and "hello.c:" in said, said
    assert servers.tree.read(HELLO) == before


@pytest.fixture
def pulled(servers):
    """A tree of before a `git pull` that changed the very lines that solve goes by."""
    servers.set_tree(servers.solved_up_to(1) | {f".product/{path}": text for path, text in sources(servers.path).items()})
    file = servers.path / HELLO
    before = file.read_text()
    new = before.replace(COUNT.rstrip("\n"), f"    (void)0;\n{COUNT.rstrip()}").replace("    if (delay_ms > 0)\n", "    if (delay_ms >= 1)\n")
    assert new.count("(void)0;") == 1 and "delay_ms >= 1" in new
    file.write_text(new)
    yield servers
    file.write_text(before)


def test_solve_after_a_pull_falls_back_on_the_lines_of_then(pulled):
    edit(pulled, HELLO, "/* GET /hello; see hello.h.", "/* Mine. GET /hello; see hello.h.")
    status, said = pulled.run("solve", "1")
    text = pulled.tree.read(HELLO)
    assert status == 0 and COUNT in text and "Mine." in text and "(void)0" not in text, said
    assert pulled.run("check", "1")[0] == 0


def test_solve_after_a_pull_says_what_to_do_where_nothing_fits(pulled):
    edit(pulled, HELLO, "    struct app *app = context;\n    int64_t", "    struct app *my_app = context, *app = my_app;\n    int64_t")
    status, said = pulled.run("solve", "1")
    assert status == 1 and "have changed since mine/ was made" in said and "start --port-offset" in said, said


def test_start_keeps_what_the_tree_was_made_from(tmp_path, copy):
    tree = Tree(copy.path)
    tree.path = tmp_path / "mine"
    tree.make({})
    assert tree.made_from() == sources(copy.path) and (tree.path / ".product" / HELLO).exists() and tree.missing() == []


def test_solve_shows_what_it_would_do(servers):
    servers.set_tree(servers.solved_up_to(1))
    status, said = servers.run("solve", "1", "--show")
    assert status == 0 and "+" + COUNT in said and COUNT not in servers.tree.read(HELLO)


def test_the_place_of_a_conflict():
    before, after = "a\nb\nc\nd\n", "a\nb\nnew\nc\nd\n"
    assert merge("mine\na\nb\nc\nd\n", before, after) == ("mine\na\nb\nnew\nc\nd\n", None)
    assert merge("mine\na\nB\nC\nd\n", before, after) == (None, 3)


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
