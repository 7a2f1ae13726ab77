"""Builds mine/ and says in one sentence what the compiler said first."""

import re
import subprocess
from pathlib import Path

from .. import build, packages
from ..ui import Failure
from .report import Wrong
from .tree import NAME

PRESET = "release"
ERROR = re.compile(r"^(?P<file>[^\s:][^:\n]*):(?P<line>\d+):\d+: (?:fatal )?error: (?P<text>.*)$", re.M)
LINK = re.compile(r"^(?:.*: )?(?P<file>[^:\n]*\.c):(?:\(\.text[^)]*\)|\d+): (?P<text>(?:undefined reference|multiple definition).*)$",
                  re.M)
SAYS = (
    (r"‘struct <anonymous>’ has no member named ‘(?P<name>\w+)’", "the metric has no label of that name"),
    (r"no field|has no member named", "is the name spelt as in its declaration?"),
    (r"every label of the metric must be given", "with(…) wants a value for every label, each once"),
    (r"implicit declaration of function ‘(?P<name>\w+)’", "is its header included, and the name spelt right?"),
    (r"undeclared", "is it declared above that line, and spelt as there?"),
    (r"expected .* before|expected .* at end of input", "is a ; or a bracket missing on that line or the one before?"),
    (r"incompatible pointer type", "is it the right kind of metric for that function?"),
    (r"redefinition|redeclared", "it is there twice: one of the two has to go"),
    (r"No such file", "is the header's name spelt as in the other files?"),
)


def binary(root, program):
    return Path(root) / "build" / PRESET / "bin" / NAME / program


def compile_mine(root, programs, log):
    """Builds the product's programs where they are missing, and the student's; Wrong with the first error."""
    targets = [f"{NAME}_{program}" for program in programs]
    if not (Path(root) / "build" / PRESET / "build.ninja").exists():
        packages.ensure(packages.RUN, log)
    missing = [name for name in ("frontend", "backend") if not (Path(root) / "build" / PRESET / "bin" / name).exists()]
    try:
        build.build(root, PRESET, *missing, *targets, patience=2.0)
    except Failure as failure:
        raise explained(root, failure.message) from None


def explained(root, output):
    """The Wrong for what a build printed; the Failure itself where nothing of mine/ is to blame."""
    found = ERROR.search(output)
    if found and f"/{NAME}/" in "/" + found["file"]:
        place = f"{_short(root, found['file'])}:{found['line']}"
        return Wrong(f"{NAME}/ does not compile: {place}: {_plain(found['text'])}", likely=_advice(found["text"]),
                     shown=_line(found["file"], int(found["line"])))
    found = LINK.search(output)
    if found and NAME in output:
        return Wrong(f"{NAME}/ does not link: {Path(found['file']).name}: {_plain(found['text'])}",
                     likely="a function or variable is used that no file of the program has, or that two have")
    return Failure(output)


def _short(root, file):
    path = Path(file)
    path = path if path.is_absolute() else Path(root) / "build" / PRESET / path
    try:
        return path.resolve().relative_to(Path(root).resolve())
    except ValueError:
        return path


def _plain(text):
    return re.sub(r"\s*\[-W[^\]]*\]$", "", text).replace("‘", "'").replace("’", "'").strip()


def _advice(text):
    return next((advice for pattern, advice in SAYS if re.search(pattern, text)), None)


def _line(file, number):
    try:
        return Path(file).read_text(errors="replace").split("\n")[number - 1].strip() or None
    except (OSError, IndexError):
        return None


def syntax_only(command):
    """For tests: the compiler's complaints about one file, compiled alone with these words."""
    return subprocess.run(command, capture_output=True, text=True).stderr
