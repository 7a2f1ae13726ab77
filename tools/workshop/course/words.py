"""The course's part of the command line: which words there are, and what they call."""

from ..stack import Stack
from . import commands


def add(command, root, lock_of):
    """`command(name, function, summary)` makes one word; see cli.parser."""

    def course(options):
        return commands.Course(Stack(root, port_offset=options.port_offset), lock_of(options.port_offset))

    def named(name, function, summary):
        added = command(name, lambda options: function(course(options), options.number), summary)
        added.add_argument("number", nargs="?", metavar="N", help="an exercise; without it, where you stand")

    start = command("start", lambda options: commands.start(course(options), options.again),
                    "the course: make mine/, the tree that you edit")
    start.add_argument("--again", action="store_true", help="put the tree that is there aside, and make a new one")
    named("exercise", commands.exercise, "the course: the list, or what to do in one")
    named("check", commands.check, "the course: whether the exercise is done, and if not, what is wrong")
    named("hint", commands.hint, "the course: one hint more each time")
    solve = command("solve", lambda options: commands.solve(course(options), options.number, options.show),
                    "the course: bring one exercise's solution into mine/, and leave your other edits")
    solve.add_argument("number", metavar="N")
    solve.add_argument("--show", action="store_true", help="print it, and change nothing")
    named("watch", commands.watch, "the course: check again on each save")
