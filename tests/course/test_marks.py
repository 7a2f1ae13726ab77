"""The marks in the product's code, and the trees made by leaving out what they mark."""

import json
import re
import shlex
import subprocess

import pytest

from copy_of_tree import ROOT, form
from workshop.course import marks, tree

SOURCES = tree.sources(ROOT)
NUMBERS = sorted(set().union(*(marks.exercises(text, path) for path, text in SOURCES.items())))

TEXT = """int a;
int b; /* [1] */

/* What c is,
 * and why. [2 */
int c(void)
{
} /* 2] */

int d;
call(first, /* [3 */
     second); /* 3] */
"""


def test_what_is_left_out_is_a_line_a_block_or_a_block_with_its_comment():
    assert marks.derive(TEXT, ()) == "int a;\n\nint d;\n"
    assert marks.derive(TEXT, {1}) == "int a;\nint b;\n\nint d;\n"
    assert marks.derive(TEXT, {2}) == "int a;\n\n/* What c is,\n * and why. */\nint c(void)\n{\n}\n\nint d;\n"
    assert marks.derive(TEXT, {3}) == "int a;\n\nint d;\ncall(first,\n     second);\n"


@pytest.mark.parametrize("text, says", [
    ("a; /* [1 */\nb;", "has no end"), ("a; /* 1] */", "has not begun"), ("a; /* [1 */\nb; /* 2] */", "has not begun"),
    ("a; /* [1 */\nb; /* [2] */\nc; /* 1] */", "t:2"), ("a; /* [1 */\nb; /* [1 */\nc; /* 1] */", "t:2")])
def test_a_mark_without_its_other_half_is_refused(text, says):
    with pytest.raises(marks.BadMark, match=says):
        marks.derive(text, (), "t")


@pytest.mark.parametrize("path", SOURCES)
def test_every_mark_of_the_product_has_its_other_half(path):
    derived = marks.derive(SOURCES[path], NUMBERS, path)
    assert not re.search(r"\[\d+\]? \*/|/\* \d+\]", derived), "a mark that is none"
    assert [line for line in derived.split("\n") if line.strip()] == \
        [line for line, _ in marks.lines_of(SOURCES[path]) if line.strip()]


def test_each_exercise_in_c_has_lines():
    assert set(range(6)) <= set(NUMBERS)
    for number in NUMBERS:
        assert tree.solution_lines(ROOT, number)


# Compiling: one exercise after the other, and each of the first ones alone; a later one may need an earlier one

ALONE = [{n} for n in NUMBERS if 0 < n <= 5] if form() == "long" else []
TREES = [set(), *({n for n in NUMBERS if n <= last} for last in NUMBERS), *ALONE]


@pytest.fixture(scope="module")
def compilers(servers):
    """{path: the product's command for it}, where a directory for the tree's headers is to be put in."""
    found = {}
    for entry in json.loads((servers.path / "build/release/compile_commands.json").read_text()):
        path = entry["file"].removeprefix(str(servers.path) + "/")
        if path in SOURCES:
            found[path] = entry["directory"], shlex.split(re.sub(r"-o \S+ -c \S+$", "", entry["command"]))
    assert len(found) > 15
    return found


@pytest.fixture(scope="module")
def compiled():
    return set()


@pytest.mark.parametrize("solved", TREES, ids=str)
def test_what_is_left_compiles_without_a_warning(compilers, compiled, solved, tmp_path):
    files = tree.derived(ROOT, solved)
    headers = tuple(sorted((path, text) for path, text in files.items() if path.endswith(".h")))
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    todo = [path for path in files if path.endswith(".c") and (files[path], hash(headers)) not in compiled]
    running = [(path, _compiler(compilers[path], tmp_path, path)) for path in todo]
    for path, process in running:
        assert (process.communicate()[0], process.returncode) == ("", 0), path
        compiled.add((files[path], hash(headers)))


def _compiler(command, directory, path):
    where, words = command
    own = [f"-I{directory}" if re.search(r"/include/(frontend|backend)$", word) else word for word in words]
    assert own != words
    return subprocess.Popen([*own, "-fsyntax-only", "-Werror", "-c", str(directory / path)], cwd=where, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
