"""docker-compose.dev.yml: from a saved file to the running program, in a copy of the tree."""

import shutil
import subprocess
import time
import urllib.request

import pytest
from composefile import ROOT
from conftest import Stack, running
from until import stays, until

FILES = ("docker-compose.yml", "docker-compose.dev.yml")
IN_TIME = 5  # seconds from an edit to the running program


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """What a clone has, without what was built here."""
    copy = tmp_path_factory.mktemp("clone")
    known = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in known.stdout.splitlines():
        if (ROOT / name).exists():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    return copy


@pytest.fixture(scope="module")
def stack(engine, tree):
    with running(Stack(engine, "development", tree, FILES), names=["frontend"], seconds=240) as made:
        yield made


def hello():
    try:
        with urllib.request.urlopen("http://127.0.0.1:5000/hello", timeout=2) as answer:
            return answer.read().decode()
    except OSError:
        return ""


def edit(tree, old, new):
    file = tree / "frontend/hello.c"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_a_saved_file_runs_within_5_s(stack, tree):
    until(lambda: hello() == "Hello, World!", 30, every=0.1)
    begin = time.monotonic()
    edit(tree, "Hello, World!", "Hello, Student!")
    until(lambda: hello() == "Hello, Student!", 30, every=0.05)
    seconds = time.monotonic() - begin
    print(f"from the edit to the running program: {seconds:.1f} s")
    assert seconds < IN_TIME


def test_what_does_not_compile_is_said_and_the_old_program_runs_on(stack, tree):
    said = hello()
    edit(tree, said, said + '";;; oops "')
    until(lambda: "hello.c" in stack.compose("logs", "frontend").stdout and
          "error:" in stack.compose("logs", "frontend").stdout, 20, every=0.2)
    stays(lambda: hello() == said, 1)
    edit(tree, said + '";;; oops "', "Hello again!")
    until(lambda: hello() == "Hello again!", 20, every=0.1)


def test_the_shell_has_all_that_the_command_needs(stack):
    done = stack.compose("--profile", "dev", "run", "--rm", "-T", "dev", "./workshop", "run", "backend", "--help")
    assert "backend [OPTIONS]" in done.stdout and "installing" not in done.stdout


@pytest.fixture(scope="module")
def shell(stack):
    """Runs a command of a student's, who has come as far as exercise 1 and has checked it once."""
    stack.compose("--profile", "dev", "run", "-d", "--name", "student", "dev", "sleep", "1h")

    def run(*argv, check=True):
        done = stack.engine.docker("exec", "student", *argv, check=False)
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    for words in (("start",), ("solve", "0"), ("solve", "1"), ("check", "1")):
        run("./workshop", *words)
    yield run
    stack.engine.docker("rm", "-f", "student", check=False)


def test_a_check_answers_within_5_s_of_an_edit(shell, tree):
    file = tree / "mine/frontend/hello.c"
    text = file.read_text()
    for changed, status in ((text.replace("counter_inc(&hello_total)", "(void)hello_total"), 1), (text, 0)):
        begin = time.monotonic()
        file.write_text(changed)
        done = shell("./workshop", "check", "1", check=False)
        seconds = time.monotonic() - begin
        print(f"from the edit to the check's answer: {seconds:.1f} s")
        assert done.returncode == status, done.stdout + done.stderr
        assert seconds < IN_TIME
