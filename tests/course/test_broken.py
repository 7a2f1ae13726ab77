"""Trees that do not work: what `check` says of what the compiler, the linker and the program's end say."""

import types

import pytest

from copy_of_tree import COUNT, DECLARATION, FRUIT, HELLO, done, edit, form
from workshop.course import checking
from workshop.course.report import Wrong

LONG = form() == "long"
WORKER, OBSERVE = "backend/worker.c", "frontend/observe.c"
IN_HEADER = '#include "metrics/metrics.h"\nCOUNTER(mine_total, "mine_total", "Mine.");\nvoid fruit_request_count(void);'

# What somebody wrote in the place of some text, and what `check 1` says of it.
BROKEN = {
    "no semicolon": (HELLO, COUNT, "    counter_inc(&hello_total)\n", "does not compile: mine/frontend/hello.c:", "is a ; "),
    "no such function": (HELLO, COUNT, "    count_it();\n", "implicit declaration of function 'count_it'", "count_it();"),
    "not declared": (HELLO, DECLARATION, "", "mine/frontend/hello.c:", "'hello_total' undeclared"),
    "no such label": (OBSERVE, "with(http_requests, .method", "with(http_requests, .methods",
                      "mine/frontend/observe.c:", "has no label of that name"),
    "a label left out": (OBSERVE, ", .code = text", "", "mine/frontend/observe.c:", "every label"),
    "a summary without its window": (WORKER, ", WINDOW(600)", "", "mine/backend/worker.c:",
                                     "either both of QUANTILES and WINDOW"),
    "a histogram without buckets": (OBSERVE, " BUCKETS_DEFAULT,", "", "mine/frontend/observe.c:",
                                    "the buckets, then the labels"),
    "a text for a number": (FRUIT, "all_fruits, strtod(digits, NULL)", "all_fruits, digits", "mine/frontend/fruit_get.c:",
                            "strtod(text, NULL) reads the number"),
    "the metric itself": (FRUIT, "gauge_set(&all", "gauge_set(all", "mine/frontend/fruit_get.c:", "the metric's address: &name"),
    "static here, not in the header": ("frontend/fruit_post.c", "void fruit_request_count(", "static void fruit_request_count(",
                                       "mine/frontend/fruit_post.c:", "'fruit_request_count' is declared elsewhere"),
    "not linked": (HELLO, COUNT, "    void far_away(void);\n    far_away();\n", "does not link: hello.c", "far_away"),
    "a name twice": (HELLO, '"hello_total"', '"fruit_requests_total"', "frontend crashed (SIGABRT) while it started",
                     "the name is taken"),
    "no name": (HELLO, '"hello_total"', '"hello-total"', "mine/frontend/hello.c:", "this is no metric name"),
    "a counter in a header": ("frontend/fruit_post.h", "void fruit_request_count(void);", IN_HEADER,
                              "mine/frontend/fruit_post.h:", "move it into one .c file"),
    "crash": (HELLO, COUNT, "    raise(SIGSEGV);\n", "frontend crashed (SIGSEGV) on GET /hello", "its last line"),
    "exit": (HELLO, COUNT, "    exit(3);\n", "frontend ended with exit status 3 on GET /hello", "its last line"),
    "hang": (HELLO, COUNT, "    for (volatile int go = 1; go;)\n        ;\n", "frontend does not answer GET /hello within 5 s",
             "holds up the whole program"),
    "no answer": (HELLO, COUNT, COUNT + "    if (x)\n        return;\n", "does not answer GET /hello", "does each answer once"),
}


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


def test_a_missing_answer(servers):
    entry = types.SimpleNamespace(number=6)
    stack = types.SimpleNamespace(root=servers.path)
    check = checking.Check(stack, entry, None)
    with pytest.raises(Wrong, match="there is no mine/answers/none.promql"):
        check.answer("answers/none.promql")
    servers.tree.write({"answers/none.promql": "\n"})
    with pytest.raises(Wrong, match="is empty"):
        check.answer("answers/none.promql")
