"""The workshop's command, and the kit that its tests start servers with. Standard library only.

From the outside in:

    cli.py         the words of the command line, one function a command
    up.py          the longest of the commands; docker.py  the same in containers
    lab.py         a lab alone, or beside what runs       labs.py  the labs and their loads as services
    run.py  status.py                      two more of the commands
    stack.py       all services of one running copy: order, up, down
    programs.py    frontend, backend, traffic as services
    postgres.py  redis.py  rabbitmq.py     the servers that the programs talk to
    exporters.py   Prometheus, the exporters       targets.py  what is scraped
    alertmanager.py  Alertmanager                  notifications.py  whom it tells
    rules.py       what is recorded and what alerts; rulefile.py writes it down, rulecheck.py finds what is wrong with it
    board.py       dashboards in the browser; boardserver.py, dashboards.py, uplot.py are its parts
    course/        the exercises: the student's tree, checks, hints, solutions
    service.py     what every service can do: start, wait until ready, stop, kill, pause
    process.py     one process: pid and start time, signals, its children
    state.py       what runs, on disk; the lock between two commands
    prometheus.py  questions put to a running Prometheus
    watch.py       builds and restarts one program as it is edited, in the development containers
    build.py       CMake          packages.py  apt          ports.py  who listens where
    onshow.py      what of the product a student sees already
    course/        exercises that check themselves       gameday/   what is broken in secret
    groups.py      the groups of tests, their counts        logkeeper.py  bounds the log files
    loadkeeper.py  tells Prometheus which loads there are
    ui.py          what is said on the terminal; Failure

A test starts real servers like this (service.py lists all that a service can do):

    stack = Stack(root, tmp_path, port_offset=free_offset(), die_with_parent=True)
    stack.start("postgres", "redis", "rabbitmq")
    frontend = stack.program("frontend", "--hello-delay", "0", build="asan")
    frontend.start(); frontend.wait_ready(10)
    stack.redis.pause(); ...; stack.redis.resume()
    stack.down()
"""

from .ports import free_offset
from .stack import Stack
from .ui import Failure

__all__ = ["Failure", "Stack", "free_offset"]
