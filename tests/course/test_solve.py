"""`solve`: it brings in one exercise's lines beside whatever the student wrote, or says why it cannot."""

import pytest

from copy_of_tree import COUNT, DECLARATION, HELLO, edit
from workshop.course.tree import Tree, merge, sources


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
    new = before.replace(COUNT.rstrip("\n"), f"    (void)0;\n{COUNT.rstrip()}")
    new = new.replace("    if (delay_ms > 0)\n", "    if (delay_ms >= 1)\n")
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
    edit(pulled, HELLO, "    struct app *app = context;\n    int64_t",
         "    struct app *my_app = context, *app = my_app;\n    int64_t")
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
