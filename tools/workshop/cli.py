"""The words of the command line. Each command is a function here, in up.py or in groups.py."""

import argparse
import difflib
import subprocess
import sys
from pathlib import Path

from . import complaints, ports, rulefile
from .bench import NAMES as BENCHES, run_bench
from .classroom import show
from .course import words as course
from .course.tree import Tree
from .docker import Docker, choose, refuse_dead_mark
from .doctor import doctor
from .gameday import record as gameday
from .gameday import words as gameday_words
from .groups import GROUPS, run_tests
from .lab import run_lab
from .labs import LABS
from .logs import with_text
from .machine import Machine
from .programs import NAMES
from .rules import SCALES
from .run import become, run_program
from .share import HOST, PORT, share
from .stack import Stack, option, running_copies, state_dir
from .state import locked
from .status import show_status
from .ui import Failure, complain, lead_to, say, signals_interrupt, step, too_late_to_interrupt, write
from .up import up

ROOT = Path(__file__).resolve().parents[2]


class Parser(argparse.ArgumentParser):
    def error(self, message):
        raise Failure(message, "./workshop --help lists the commands, ./workshop COMMAND --help the options", status=2)

    def _check_value(self, action, value):
        if action.dest != "command" or value in action.choices:
            return super()._check_value(action, value)
        near = difflib.get_close_matches(value, action.choices, 1)
        raise Failure(f"there is no command '{value}'" + (f"; did you mean ./workshop {near[0]}?" if near else ""),
                      "./workshop --help lists the commands", status=2)

    def _print_message(self, message, file=None):
        write(file or sys.stdout, message)


def parser():
    top = Parser(prog="./workshop", description="The workshop's one command.", allow_abbrev=False)
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=Parser)

    def command(name, function, summary):
        added = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".",
                                    allow_abbrev=False)
        added.set_defaults(function=function)
        if name not in ("test", "bench"):
            added.add_argument("--port-offset", type=offset, default=0, metavar="N",
                               help="a copy of its own, with every port shifted by N")
        return added

    starter = command("up", cmd_up, "install what is missing, build, start everything, wait until data flows")
    starter.add_argument("--native", action="store_true", help="from Debian's packages, without Docker")
    starter.add_argument("--docker", action="store_true", help="in containers; without either, where an engine answers")
    starter.add_argument("--no-traffic", action="store_true", help="all but the program that makes requests")
    starter.add_argument("--stack-only", action="store_true", help="only the servers, none of the three programs")
    starter.add_argument("--labs", action="store_true", help=f"the labs too: {', '.join(LABS)}")
    starter.add_argument("--product", action="store_true", help="the product's programs, although there is a mine/")
    starter.add_argument("--alerts", choices=SCALES, default="classroom", metavar="|".join(SCALES),
                         help="the windows of the alerts: so short that a class sees them fire (the default), or of days")
    runner = command("run", cmd_run, "one program in the foreground, with its own options behind its name")
    runner.usage = f"./workshop run [--port-offset N] {'|'.join(NAMES)} [OPTIONS OF THE PROGRAM]"
    runner.add_argument("program", choices=NAMES, help=f"one of {', '.join(NAMES)}")
    runner.add_argument("options", nargs=argparse.REMAINDER, metavar="OPTIONS",
                        help="the program's own; ./workshop run PROGRAM --help lists them")
    trier = command("lab", cmd_lab, "one lab with load, Prometheus and the board; alone, or beside what runs")
    trier.add_argument("name", choices=LABS, metavar="|".join(LABS), help="which one; docs/labs/ has a page for each")
    trier.add_argument("--no-load", action="store_true", help="without the program that asks it for something")
    command("status", cmd_status, "one line a component: name, state, pid, port")
    reader = command("logs", cmd_logs, "the end of the logs, of all or of one component")
    reader.add_argument("name", nargs="?", metavar="NAME")
    reader.add_argument("-f", "--follow", action="store_true", help="go on as lines are added, until Ctrl-C")
    reader.add_argument("--grep", metavar="TEXT", help="every line with this text, such as a trace_id, in order of time")
    reader.add_argument("-n", "--lines", type=int, metavar="N", help="how many lines")
    command("down", cmd_down, "end everything")
    command("reset", cmd_reset, "end everything and delete all data")
    command("doctor", lambda options: doctor(Machine(ROOT, options.port_offset)),
            "whether this computer is ready for the workshop, and what to do where it is not")
    maker = command("dashboards", cmd_dashboards, "write grafana/dashboards/ anew from grafana/pages/, and say what is wrong there")
    maker.add_argument("files", nargs="*", type=Path, metavar="FILE", help="write nothing, and look at these files alone")
    command("rules", cmd_rules, "write prometheus/rules/ anew from their specification, tools/workshop/rules.py")
    course.add(command, ROOT, lock_of)
    sharer = command("share", lambda options: share(ROOT, options.student, options.listen, options.port_offset),
                     "the course: show how far you are to whoever teaches, until Ctrl-C")
    sharer.add_argument("--student", required=True, metavar="NAME", help="the name under which you appear")
    sharer.add_argument("--listen", default=HOST, metavar="HOST[:PORT]", help=f"who can see it: {HOST}, this computer alone (the "
                        f"default), or 0.0.0.0, the network; port {PORT} and the offset")
    command("class", lambda options: show(ROOT, Stack(ROOT, port_offset=options.port_offset)),
            "for whoever teaches: the laptops of class.txt, and how far each is")
    gameday_words.add(command, ROOT, lock_of)
    tester = command("test", cmd_test, "build and run the tests; without a name, a short form of every group")
    tester.add_argument("group", nargs="?", choices=[*GROUPS, "all"], metavar="|".join([*GROUPS, "all"]))
    tester.add_argument("--long", action="store_true", help="the long form of the group, which `all` is of every one")
    tester.add_argument("--seconds", type=int, metavar="N", help="with fuzz: how long each target runs (60)")
    bench = command("bench", cmd_bench, "measure, side by side with nginx, wrk, bare programs and a Go service")
    bench.add_argument("name", nargs="?", choices=BENCHES, metavar="|".join(BENCHES))
    bench.add_argument("--seconds", type=int, metavar="N", help="length of one run (3)")
    return top


def offset(text):
    try:
        number = int(text)
    except ValueError:
        number = -1
    if not 0 <= number <= ports.MAX_OFFSET:
        raise argparse.ArgumentTypeError(f"'{text}' is no number from 0 to {ports.MAX_OFFSET}")
    return number


def lock_of(port_offset):
    name = f"lock-{port_offset}" if port_offset else "lock"
    return ROOT / ".workshop" / name


def _stack(options):
    """With the student's programs in the place of the product's, where the course has begun."""
    stack = Stack(ROOT, port_offset=options.port_offset)
    stack.mine = Tree(ROOT).exists
    return stack


def cmd_up(options):
    if options.native and options.docker:
        raise Failure("--native and --docker exclude each other", status=2)
    programs, traffic = not options.stack_only, not (options.no_traffic or options.stack_only)
    with locked(lock_of(options.port_offset), "up"):
        stack, containers = _stack(options), Docker(ROOT, options.port_offset)
        stack.mine = stack.mine and not options.product  # which no container has, so that alone decides for native
        with_docker, why = choose(containers, stack, options.native or stack.mine and not options.docker, options.docker)
        if why:
            step(why)
        if with_docker:
            containers.up(programs, traffic, options.alerts, options.labs, stack.mine)
            return
        _refuse_labs_far_away(options, options.labs)
        stack.prometheus.alerts = options.alerts
        gameday.put_back(stack)
        up(stack, programs=programs, traffic=traffic, labs=LABS if options.labs else ())


def _refuse_labs_far_away(options, wanted=True):
    if wanted and options.port_offset > ports.MAX_LAB_OFFSET:
        raise Failure(f"--port-offset {options.port_offset} leaves the labs no ports: {ports.MAX_LAB_OFFSET} at most",
                      "take a smaller one", status=2)


def cmd_lab(options):
    _refuse_labs_far_away(options)
    if containers_of(options):
        raise Failure("the workshop runs in containers; its labs are started there too",
                      "./workshop up --docker --labs, or ./workshop down and the same command again")
    with locked(lock_of(options.port_offset), f"lab {options.name}"):
        run_lab(Stack(ROOT, port_offset=options.port_offset), options.name, not options.no_load)


def containers_of(options):
    """The copy asked for, where it was started in containers; else None."""
    containers = Docker(ROOT, options.port_offset)
    return containers if containers.runs and not refuse_dead_mark(containers) else None


def cmd_run(options):
    """Becomes the program, so that Ctrl-C and the exit status are its own."""
    given = options.options[1:] if options.options[:1] == ["--"] else options.options
    run_program(_stack(options), options.program, given)


def cmd_status(options):
    """Exit status 0 where all that was started runs, 1 otherwise."""
    if containers := containers_of(options):
        return containers.status()
    status = show_status(_stack(options))
    _tell_other_copies(options.port_offset)
    return status


def _tell_other_copies(port_offset):
    """Whoever forgot which copy it was hears of those that run, where the one asked for does not."""
    running = running_copies(ROOT)
    if port_offset not in running:
        for offset in running:
            say(f"a copy runs {f'with{option(offset)}' if offset else 'without --port-offset'}")


def cmd_logs(options):
    if containers := containers_of(options):
        return _container_logs(containers, options)
    stack = Stack(ROOT, port_offset=options.port_offset)
    _tell_other_copies(options.port_offset)
    found = sorted(stack.logs.glob("*.log"))
    if options.name:
        found = [log for log in found if log.stem == options.name]
    if not found:
        known = ", ".join(sorted(log.stem for log in stack.logs.glob("*.log"))) or "none yet: ./workshop up starts it all"
        raise Failure(f"there is no log of {options.name or 'anything'}", f"there are: {known}")
    if options.grep:
        return _show_matching(with_text(found, options.grep), options.grep, ", ".join(log.stem for log in found))
    lines = options.lines if options.lines is not None else 100 if options.name else 10
    follow = ["-F"] if options.follow else []
    become(["tail", "-n", str(lines), *follow, *map(str, found)])


def _container_logs(containers, options):
    if options.grep:
        lines = [line for line in containers.log_lines(options.name) if options.grep in line]
        return _show_matching(lines, options.grep, "the containers")
    lines = options.lines if options.lines is not None else 100 if options.name else 10
    return become(containers.logs_command(options.name, lines, options.follow), containers.environment())


def _show_matching(lines, text, whose):
    """Exit status 1 where there is none, as grep's."""
    for line in lines:
        say(line)
    if not lines:
        write(sys.stderr, f"no line with '{text}' in the logs of {whose}.\n  What ./workshop run started writes to its own "
                          "terminal; and not every request has a line (docs/logs.md)\n")
    return 0 if lines else 1


def cmd_down(options):
    if not state_dir(ROOT, options.port_offset).exists():
        say("nothing runs")
    else:
        gameday.interrupt(state_dir(ROOT, options.port_offset))
        with locked(lock_of(options.port_offset), "down"):
            _down(Stack(ROOT, port_offset=options.port_offset), containers_of(options))
    _tell_other_copies(options.port_offset)


def _down(stack, containers=None, delete=False):
    if containers or stack.state.all():
        say("stopping")
    ended = containers.down(*(["-v"] if delete else [])) if containers else []
    ended += stack.down()
    gameday.Record(stack.dir).forget()  # what a round broke, and did not mend, ended with the servers
    say(f"stopped {', '.join(ended)}" if ended else "nothing runs")


def cmd_reset(options):
    gameday.interrupt(state_dir(ROOT, options.port_offset))
    with locked(lock_of(options.port_offset), "reset"):
        stack = Stack(ROOT, port_offset=options.port_offset)
        _down(stack, containers_of(options), delete=True)
        stack.delete_data()
        lock_of(options.port_offset).unlink()
        say(f"deleted the data in {stack.dir}" + ("; mine/, your tree of the course, is as it was" if Tree(ROOT).exists else ""))


def cmd_dashboards(options):
    if not options.files:
        subprocess.run([sys.executable, ROOT / "grafana/generate.py"], check=True, stdout=subprocess.DEVNULL)
    faults = list(dict.fromkeys(complaints.complaints(ROOT, options.files or None)))
    for fault in faults:
        say(fault)
    say("nothing is wrong" if not faults else "1 fault" if len(faults) == 1 else f"{len(faults)} faults")
    return 1 if faults else 0


def cmd_rules(options):
    changed = rulefile.write(ROOT)
    say(f"wrote {', '.join(changed)}" if changed else "nothing changed")


def cmd_test(options):
    if options.seconds is not None and (options.group != "fuzz" or options.seconds < 1):
        raise Failure("--seconds: a number from 1 on, with 'test fuzz' alone", status=2)
    return run_tests(ROOT, options.group, options.long, options.seconds)


def cmd_bench(options):
    if options.seconds is not None and not 1 <= options.seconds <= 600:
        raise Failure(f"--seconds: '{options.seconds}' is no number from 1 to 600", status=2)
    run_bench(ROOT, options.name, options.seconds)


def arranged(arguments):
    """`--port-offset N COMMAND` is taken for `COMMAND --port-offset N`, and `help COMMAND` for `COMMAND --help`."""
    if arguments[:1] == ["help"]:
        return [*arguments[1:2], "--help"]
    if arguments[:1] == ["--port-offset"] and len(arguments) > 2:
        return [arguments[2], *arguments[:2], *arguments[3:]]
    if arguments and arguments[0].startswith("--port-offset=") and len(arguments) > 1:
        return [arguments[1], arguments[0], *arguments[2:]]
    return arguments


def main(arguments):
    signals_interrupt()
    try:
        options = parser().parse_args(arranged(arguments))
        lead_to(option(getattr(options, "port_offset", 0)))
        return options.function(options) or 0
    except Failure as failure:
        too_late_to_interrupt()
        complain(failure)
        return failure.status
    except KeyboardInterrupt:
        too_late_to_interrupt()
        complain(Failure("interrupted", "the same command again goes on from here"))
        return 130
