"""Debian's packages: which are missing, and their installation without starting their services.

A download can be interrupted at any time. The unpacking after it cannot, since a half-configured package is in
everybody's way: a Ctrl-C there is obeyed at its end. apt-install.sh does that part, as root.
"""

import contextlib
import os
import re
import shutil
import subprocess
from pathlib import Path

from .ui import Failure, LiveLine, put_back_undisturbed, step

# Alternatives are separated by "|": the first that the distribution has is taken.
BUILD = """gcc git curl libc6-dev cmake ninja-build pkg-config libuv1-dev libhiredis-dev librabbitmq-dev libpq-dev
    libjansson-dev zlib1g-dev libllhttp-dev|node-llhttp libnghttp2-dev libprotobuf-c-dev protobuf-c-compiler""".split()
RUN = BUILD + """postgresql redis-server rabbitmq-server prometheus prometheus-node-exporter
    prometheus-postgres-exporter prometheus-redis-exporter prometheus-blackbox-exporter
    prometheus-alertmanager""".split()
LAB_RUN = [*BUILD, "prometheus"]  # for a lab alone
TEST = """libcmocka-dev clang clang-format libclang-rt-dev python3-pytest python3-pytest-xdist python3-pika python3-psycopg2
    python3-redis python3-prometheus-client python3-protobuf python3-requests python3-yaml docker-compose
    python3-selenium python3-pil python3-grpcio python3-h2 nghttp2-client""".split()
BROWSER = "chromium chromium-driver".split()  # Ubuntu has it as a snap alone: there the board's tests are skipped
ENGINE = "docker.io docker-cli|docker.io docker-compose debootstrap iptables iproute2".split()
BENCH = """wrk redis-tools nginx-light golang-go golang-github-rabbitmq-amqp091-go-dev
    golang-github-jackc-pgx-v4-dev golang-github-gomodule-redigo-dev
    golang-github-prometheus-client-golang-dev golang-github-google-uuid-dev prometheus-cpp-dev g++
    nghttp2-client libgrpc++-dev libprotobuf-dev protobuf-compiler protobuf-compiler-grpc""".split()

# The lines of apt-get and dpkg that tell how far they are; the others are for the log.
PROGRESS = ("Get:", "Hit:", "Fetched", "Preparing", "Unpacking", "Setting up", "Processing")
NO_NETWORK = re.compile(r"(Temporary failure resolving|Could not resolve|Could not connect to|Unable to connect to|"
                        r"Connection timed out|Connection failed|Failed to fetch)[^\n]*")


def missing(wanted):
    """Those of `wanted` of which no alternative is installed."""
    names = [name for entry in wanted for name in entry.split("|")]
    if not shutil.which("dpkg-query"):
        raise Failure("this is no Debian or Ubuntu, so packages cannot be installed here",
                      "install by hand what these packages hold: " + " ".join(wanted))
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *names],
                          capture_output=True, text=True)
    installed = {line.split()[0] for line in done.stdout.splitlines() if line.endswith(" installed")}
    return [entry for entry in wanted if installed.isdisjoint(entry.split("|"))]


def ensure(wanted, log):
    """Installs what is missing of `wanted`; its output goes to the file `log`."""
    lacking = missing(wanted)
    if not lacking:
        return
    step(f"installing {len(lacking)} packages: {' '.join(lacking)}")
    log.parent.mkdir(parents=True, exist_ok=True)
    root = _root_prefix()
    _, said = _apt(root, ["update"], log, "reading the package lists")  # one that fails may have old lists, which do
    names = [_alternative(entry) for entry in lacking]
    status, more = _apt(root, ["install", "--download-only", *names], log, "downloading")
    if status:
        _explain(more, log, said)
    _install(root, names, log)
    still = missing(wanted)
    if still:
        raise Failure(f"these packages could not be installed: {' '.join(still)}", f"apt's own words: {log}")


def _root_prefix():
    """What puts a command into root's hands; asks for the password now, while nothing is under way."""
    if os.geteuid() == 0:
        return []
    if not shutil.which("sudo"):
        raise Failure("packages are missing, and there is no sudo to install them with", "run ./workshop once as root")
    # `sudo -v` wants the password even of one who may do all without it, but is in the group sudo as well.
    if subprocess.run(["sudo", "-n", "true"], stdin=subprocess.DEVNULL, capture_output=True).returncode == 0:
        return ["sudo"]
    if not _has_terminal():
        raise Failure("packages are missing, and there is no terminal in which sudo could ask for the password",
                      "run ./workshop in a terminal, or once as root")
    if subprocess.run(["sudo", "-v"]).returncode:
        raise Failure("sudo refused, so packages cannot be installed", "run ./workshop once as root")
    return ["sudo"]


def _has_terminal():
    try:
        os.close(os.open("/dev/tty", os.O_RDWR))  # where sudo asks, whatever standard input is
        return True
    except OSError:
        return False


def ensure_where_packaged(wanted, log):
    """Installs them, if the distribution has all of them."""
    if missing(wanted) and all(_has_candidate(name) for name in wanted):
        ensure(wanted, log)


def _has_candidate(name):
    shown = subprocess.run(["apt-cache", "policy", name], capture_output=True, text=True).stdout
    return "Candidate:" in shown and "Candidate: (none)" not in shown


def _alternative(entry):
    """The first name of 'a|b' that can be installed here."""
    names = entry.split("|")
    return next((name for name in names[:-1] if _has_candidate(name)), names[-1])


def _apt(root, words, log, what):
    """(status, output) of one apt-get that may be interrupted, and leaves everything whole then."""
    argv = [*root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-y", "-o", "DPkg::Lock::Timeout=300",
            "-o", "Acquire::Retries=2", "--no-install-recommends", *words]
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        return _show(process, log, what)
    except KeyboardInterrupt:
        with contextlib.suppress(PermissionError):  # root's, by sudo: then Ctrl-C reached it by itself
            process.terminate()
        process.wait()
        raise


def _install(root, names, log):
    """Unpacks and configures, in a process group of its own that Ctrl-C does not reach."""
    script = Path(__file__).with_name("apt-install.sh")
    argv = [*root, "sh", str(script), *names]
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True, process_group=0)
    try:
        status, output = _show(process, log, "installing")
    except KeyboardInterrupt:
        step("packages are being unpacked, which must not be cut short; stopping right after that")
        put_back_undisturbed()
        _show(process, log, "installing")
        raise
    if status:
        _explain(output, log)


def _show(process, log, what):
    """Reads the process's output to its end: into the log, and the newest line onto the terminal."""
    line, output = LiveLine(), []
    with open(log, "a") as file:
        for text in process.stdout:
            file.write(text)
            output.append(text)
            if text.startswith(PROGRESS):
                line.show(f"{what}: {text.strip()}")
    line.clear()
    return process.wait(), output


def _explain(output, log, before=()):
    """One reason, in apt's words. Without a network it complains of each source and package, so that is looked for
    first; where there were no lists either, it then knows no package, and the reason was said `before`."""
    hint = f"apt's own words: {log}"
    text = "".join(output)
    reason = NO_NETWORK.search(text) or ("Unable to locate" in text and NO_NETWORK.search("".join(before)))
    if reason:
        hint = "check the network, its proxy and apt's sources, then run the same command again; " + hint
    errors = [line.removeprefix("E: ").strip() for line in output if line.startswith(("E:", "dpkg: error"))]
    text = reason[0].strip() if reason else (errors or output[-1:] or ["apt-get said nothing"])[0].strip()
    raise Failure(f"packages could not be installed: {text}", hint)
