"""./workshop where packages are missing, with stand-ins for apt-get and dpkg in front of the real ones; and small
parts of it."""

import json
import os
import re
import shutil
import signal
import subprocess

import pytest
from command_copy import ROOT, copy, no_engine  # noqa: F401

from workshop import groups, logkeeper, packages  # noqa: E402
from workshop.exporters import write_config  # noqa: E402
from workshop.labs import LABS  # noqa: E402
from workshop.ui import Failure  # noqa: E402


def tool(directory, name, script):
    directory.mkdir(exist_ok=True)
    path = directory / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def tools(tmp_path, monkeypatch):
    """A directory in front of PATH in which no package is installed."""
    tool(tmp_path / "bin", "dpkg-query", "exit 1")
    tool(tmp_path / "bin", "sudo", '[ "$1" != -n ] || shift; [ "$1" = -v ] || exec "$@"')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    return tmp_path / "bin"


def test_without_network_up_says_what_to_do(copy, tools):
    tool(tools, "apt-get", """case "$*" in
        *update*) echo "Err:1 http://deb.debian.org bookworm"; echo "  Temporary failure resolving 'deb.debian.org'"; exit 0 ;;
        *) echo "E: Unable to locate package cmake"; exit 100 ;;
        esac""")
    done = copy.run("up")
    assert done.returncode == 1
    assert "could not be installed: Temporary failure resolving 'deb.debian.org'\n" in done.stderr
    assert "check the network" in done.stderr and "Err:" not in done.stdout + done.stderr
    assert copy.pids() == {}


def test_sudo_asks_for_no_password_where_it_wants_none(tools, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    tool(tools, "sudo", f'echo "$*" >>"{tmp_path}/asked"; [ "$1" != -v ]')
    tool(tools, "apt-get", "exit 0")
    with pytest.raises(Failure, match="no-such-package"):
        packages.ensure(["no-such-package"], tmp_path / "apt.log")
    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked[0] == "-n true" and "-v" not in asked


def test_sudo_without_a_terminal_is_one_clear_message(copy, tools):
    tool(tools, "sudo", "echo 'sudo: a password is required' >&2; exit 1")
    (tools / "usercustomize.py").write_text("import os\nos.geteuid = lambda: 1000\n")
    done = copy.run("up", env=os.environ | {"PYTHONPATH": str(tools)}, start_new_session=True)
    assert done.returncode == 1 and "there is no terminal" in done.stderr and "password is required" not in done.stderr


def test_a_missing_compiler_is_named(copy, tmp_path):
    for name in ("cmake", "ninja", "sh", "python3", "dpkg-query", "readlink", "dirname"):
        (tmp_path / name).symlink_to(shutil.which(name, path="/usr/bin:/bin"))
    done = copy.run("up", env={"PATH": str(tmp_path)})
    assert done.returncode == 1 and "no cc or gcc or clang in PATH, although the package gcc is installed" in done.stderr


def test_an_interrupted_installation_of_python_says_so(tools, tmp_path):
    for name in ("sh", "readlink", "dirname", "id", "env", "sleep"):
        (tools / name).symlink_to(shutil.which(name, path="/usr/bin:/bin"))
    tool(tools, "python3", "exit 1")
    tool(tools, "apt-get", "sleep 0.5")
    stub = (ROOT / "workshop").read_text().replace("/usr/bin/python3 python3", "python3")
    (tmp_path / "workshop").write_text(stub)
    process = subprocess.Popen(["sh", tmp_path / "workshop"], env={"PATH": str(tools)}, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, start_new_session=True)
    assert "installing python3" in process.stdout.readline()
    os.killpg(process.pid, signal.SIGINT)
    assert "workshop: interrupted" in process.communicate(timeout=10)[0] and process.returncode == 130


def test_a_package_that_stays_missing_is_named(tools, tmp_path):
    tool(tools, "apt-get", "exit 0")
    tool(tools, "dpkg", "exit 0")
    with pytest.raises(Failure, match="no-such-package"):
        packages.ensure(["no-such-package"], tmp_path / "apt.log")


@pytest.mark.parametrize("before", [None, "#!/bin/sh\n# the owner's own\nexit 104\n"])
@pytest.mark.parametrize("status", [0, 100])
def test_policy_is_put_back(tools, tmp_path, monkeypatch, before, status):
    policy, seen = tmp_path / "policy-rc.d", tmp_path / "seen"
    if before:
        policy.write_text(before)
    monkeypatch.setenv("POLICY_RC_D", str(policy))
    tool(tools, "dpkg", "exit 0")
    tool(tools, "apt-get", f'sh "{policy}"; echo $? >"{seen}"; kill -INT $PPID; kill -TERM $PPID; exit {status}')
    done = subprocess.run(["sh", ROOT / "tools/workshop/apt-install.sh", "something"], capture_output=True)
    assert done.returncode == status
    assert seen.read_text() == "101\n"  # services are forbidden to start while packages are installed
    assert policy.read_text() == before if before else not policy.exists()
    assert sorted(path.name for path in tmp_path.glob("policy*")) == (["policy-rc.d"] if before else [])


# Small parts.

def test_every_target_is_on_a_port_of_the_copy(tmp_path):
    write_config(ROOT, tmp_path, offset=1000)
    text = "".join(file.read_text() for file in tmp_path.glob("targets/*.json"))
    found = {int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", text)}
    assert found == {6000, 6001, 6002, 10090, 10093, 10100, 10115, 10121, 10187, 16692}


def test_natively_the_same_is_scraped_as_with_containers(tmp_path):
    write_config(ROOT, tmp_path, labs=LABS)
    shapes = [{file.name: [sorted(target) for target in json.loads(file.read_text())] for file in directory.glob("*.json")}
              for directory in (tmp_path / "targets", ROOT / "prometheus/targets/compose")]
    absent = {f"{job}.json" for job in ("grafana", "loki", "alloy")}
    assert all(shapes[0][name] == [] for name in absent)
    assert {name: shape for name, shape in shapes[1].items() if name not in absent} == \
        {name: shape for name, shape in shapes[0].items() if name not in absent}
    assert shapes[0].keys() == shapes[1].keys()


def test_a_configuration_is_written_once_and_then_only_what_changed(tmp_path):
    assert write_config(ROOT, tmp_path) and not write_config(ROOT, tmp_path)
    (tmp_path / "rules").mkdir(exist_ok=True)
    (tmp_path / "rules/old.yml").write_text("groups: []\n")
    assert write_config(ROOT, tmp_path) and not (tmp_path / "rules/old.yml").exists()


def test_a_group_without_tests_fails(tmp_path):
    report = tmp_path / "report.xml"
    assert groups.counts(report) == (0, 1)
    report.write_text("<testsuite></testsuite>")
    assert groups.counts(report) == (0, 1)
    report.write_text("<testsuite><testcase/><testcase><failure/></testcase><testcase><skipped/></testcase></testsuite>")
    assert groups.counts(report) == (1, 1)


def test_a_long_log_is_cut(tmp_path):
    log = tmp_path / "noisy.log"
    with open(log, "ab") as writer:
        writer.write(b"x" * 2000)
        writer.flush()
        logkeeper.keep(tmp_path, 1000)
        writer.write(b"after")
    assert log.read_bytes() == b"after" and (tmp_path / "noisy.log.1").stat().st_size == 2000
