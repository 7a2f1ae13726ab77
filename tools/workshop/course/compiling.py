"""Builds mine/ and says in one sentence what the compiler said first."""

import hashlib
import json
import re
from pathlib import Path

from .. import build, packages
from ..ui import Failure
from .report import Wrong
from .tree import NAME, PROGRAMS

PRESET = "release"
PRODUCT = ("frontend", "backend", "traffic")  # the other side of a check: as new as the tree
ERROR = re.compile(r"^(?P<file>[^\s:][^:\n]*):(?P<line>\d+):\d+: (?:fatal )?error: (?P<text>.*)$", re.M)
USE = re.compile(r"^(?P<file>[^\s:][^:\n]*):(?P<line>\d+):\d+: note: ", re.M)
LINK = re.compile(r"^(?:.*: )?(?P<file>[^:\n]*\.c):(?:\(\.text[^)]*\)|\d+): "
                  r"(?P<text>(?:undefined reference|multiple definition).*)$", re.M)
SAYS = (
    (r"‘struct <anonymous>’ has no member named ‘(?P<name>\w+)’", "the metric has no label of that name"),
    (r"no field|has no member named", "is the name spelt as in its declaration?"),
    (r"every label of the metric must be given", "with(…) wants a value for every label, each once"),
    (r"implicit declaration of function ‘(?P<name>\w+)’", "is its header included, and the name spelt right?"),
    (r"undeclared", "is it declared above that line, and spelt as there?"),
    (r"expected .* before|expected .* at end of input", "is a ; or a bracket missing on that line or the one before?"),
    (r"macro .* requires", "is a comma missing, or a word left out?"),
    (r"incompatible type for argument", "a metric is handed over as &name, or as what with(…) returned"),
    (r"incompatible pointer type", "is it the right kind of metric for that function?"),
    (r"redefinition|redeclared", "it is there twice: one of the two has to go"),
    (r"No such file", "is the header's name spelt as in the other files?"),
)


def binary(root, program):
    return Path(root) / "build" / PRESET / "bin" / NAME / program


def compile_mine(root, programs, log):
    """Builds the product's programs and the student's; Wrong with the first error."""
    _refuse_empty(root, programs)
    targets = [f"{NAME}_{program}" for program in programs]
    _ensure(root, log)
    _touch_changed(root)
    try:
        build.build(root, PRESET, *PRODUCT, *targets, patience=2.0)
    except Failure as failure:
        raise explained(root, failure.message) from None


def compile_product(root, log):
    """Builds the product's programs alone: a check of queries wants no tree that compiles."""
    _ensure(root, log)
    build.build(root, PRESET, *PRODUCT, patience=2.0)


def _ensure(root, log):
    if not (Path(root) / "build" / PRESET / "build.ninja").exists():
        packages.ensure(packages.RUN, log)


def _touch_changed(root):
    """Makes what is not what was built last look new. Ninja goes by times, and a file or a whole tree that is moved back
    (mv mine-1 mine) has an old one."""
    record = Path(root) / "build" / PRESET / f"{NAME}.json"
    try:
        old = json.loads(record.read_text())
    except (OSError, ValueError):
        old = {}
    files = {str(path.relative_to(root)): path for path in sorted((Path(root) / NAME).rglob("*.[ch]"))}
    new = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}
    for name, digest in new.items():
        if old.get(name) != digest:
            files[name].touch()
    if record.parent.exists():
        record.write_text(json.dumps(new))


def _refuse_empty(root, programs):
    for program in programs:
        if not any((Path(root) / NAME / program).glob("*.c")):
            raise Wrong(f"there is no C file in {NAME}/{program}/", expected=f"the whole {program}, as ./workshop start made it",
                        likely="./workshop start --again puts your tree aside and makes a new one; copy over what you wrote"
                        if program in PROGRAMS else "./workshop solve with the exercise's number brings it")


def explained(root, output):
    """The Wrong for what a build printed; the Failure itself where nothing of mine/ is to blame."""
    found = ERROR.search(output)
    if found:
        text = found["text"]
        if not _is_mine(root, found["file"]):  # in a macro's definition: what counts is where it was used
            found = next((use for use in USE.finditer(output, found.end()) if _is_mine(root, use["file"])), None)
        if found:
            place = f"{_short(root, found['file'])}:{found['line']}"
            return Wrong(f"{NAME}/ does not compile: {place}: {_plain(text)}", likely=_advice(text),
                         shown=_line(found["file"], int(found["line"])))
    found = LINK.search(output)
    if found and NAME in output:
        return Wrong(f"{NAME}/ does not link: {Path(found['file']).name}: {_plain(found['text'])}",
                     likely="a function or variable is used that no file of the program has, or that two have")
    return Failure(output)


def _is_mine(root, file):
    return f"{Path(root).resolve()}/{NAME}/" in str((Path(root) / "build" / PRESET / file).resolve())


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
