"""Builds mine/ and says in one sentence what the compiler said first."""

import hashlib
import json
import re
from pathlib import Path

from .. import build, packages
from ..ui import Failure
from .report import Wrong
from .tree import NAME, PROGRAMS, Tree

PRESET = "release"
PRODUCT = ("frontend", "backend", "traffic")  # the other side of a check: as new as the tree
ERROR = re.compile(r"^(?P<file>[^\s:][^:\n]*):(?P<line>\d+):\d+: (?:fatal )?error: (?P<text>.*)$", re.M)
USE = re.compile(r"^(?P<file>[^\s:][^:\n]*):(?P<line>\d+):\d+: note: ", re.M)
LINK = re.compile(r"^(?:.*: )?(?P<file>[^:\n]*\.c):(?:\(\.text[^)]*\)|\d+): "
                  r"(?P<text>(?:undefined reference|multiple definition).*)$", re.M)
NEXT = re.compile(r": (?:error|warning): ")
# What a declaration wants, said where one of its macros does not come out.
TAKES = {
    "SUMMARY_VEC": 'SUMMARY_VEC(variable, "name", "help", QUANTILES(…), WINDOW(…), label): either both of QUANTILES and '
                   "WINDOW, or none of them; then the labels",
    "SUMMARY": 'SUMMARY(variable, "name", "help", QUANTILES(…), WINDOW(…)): either both of QUANTILES and WINDOW, or none',
    "HISTOGRAM_VEC": 'HISTOGRAM_VEC(variable, "name", "help", BUCKETS(…), label): the buckets, then the labels',
    "HISTOGRAM": 'HISTOGRAM(variable, "name", "help", BUCKETS(…)): is one of the four missing?',
    "COUNTER_VEC": 'COUNTER_VEC(variable, "name", "help", label): at least one label behind the help',
    "GAUGE_VEC": 'GAUGE_VEC(variable, "name", "help", label): at least one label behind the help',
    "COUNTER": 'COUNTER(variable, "name", "help"): with labels it is COUNTER_VEC',
    "GAUGE": 'GAUGE(variable, "name", "help"): with labels it is GAUGE_VEC',
}
DECLARES = re.compile(rf"\b({'|'.join(TAKES)})\(")
# A pattern is looked for in the compiler's error and the note that explains it.
SAYS = (
    (r"‘struct <anonymous>’ has no member named ‘(?P<name>\w+)’", "the metric has no label of that name"),
    (r"no field|has no member named", "is the name spelt as in its declaration?"),
    (r"every label of the metric must be given", "with(…) wants a value for every label, each once"),
    (r"implicit declaration of function ‘(?P<name>\w+)’", "is its header included, and the name spelt right?"),
    (r"undeclared", "is it declared above that line, and spelt as there?"),
    (r"expected .* before|expected .* at end of input", "is a ; or a bracket missing on that line or the one before?"),
    (r"macro .* requires", "is a comma missing, or a word left out?"),
    (r"expected ‘double’ but argument is of type ‘(const )?char \*’",
     "it wants a number, and that is a text: strtod(text, NULL) reads the number out of it. Is there always a text, or may "
     "it be NULL?"),
    (r"expected ‘struct metric_exemplar’", 'an exemplar is written EXEMPLAR("trace_id", id)'),
    (r"expected ‘struct (?P<kind>\w+) \*’ but argument is of type ‘struct (?P=kind)’", "it wants the metric's address: &name"),
    (r"incompatible type for argument", "a metric is handed over as &name, or as what with(…) returned"),
    (r"incompatible pointer type", "is it the right kind of metric for that function?"),
    (r"static declaration of ‘(?P<name>\w+)’ follows non-static",
     "'{name}' is declared elsewhere, in a header or above, without `static`: is it for this file alone? Then take that "
     "declaration out; else take `static` away here"),
    (r"conflicting types for ‘(?P<name>\w+)’",
     "'{name}' is declared elsewhere with other arguments or another result: look in its header, and make both alike"),
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
        text, note = found["text"], _note(output, found.end())
        if not _is_mine(root, found["file"]):  # in a macro's definition: what counts is where it was used
            found = next((use for use in USE.finditer(output, found.end()) if _is_mine(root, use["file"])), None)
        if found:
            place, statement = f"{_short(root, found['file'])}:{found['line']}", _statement(found["file"], int(found["line"]))
            return Wrong(f"{NAME}/ does not compile: {place}: {_plain(text)}", shown=statement[-1] or None,
                         likely=_gone(root, text) or _declaration(text, statement) or _advice(f"{text}\n{note}"))
    found = LINK.search(output)
    if found and NAME in output:
        return Wrong(f"{NAME}/ does not link: {Path(found['file']).name}: {_plain(found['text'])}", likely=_gone(root) or
                     "a function or variable is used that no file of the program has, or that two have")
    return Failure(output)


def _note(output, at):
    """The compiler's words on that error, up to its next complaint."""
    next_one = NEXT.search(output, at)
    return output[at:next_one.start() if next_one else len(output)]


def _gone(root, text="undefined reference"):
    """What to do where a file of the product has none of that name in mine/, and is missed."""
    header = re.match(r"(?P<name>\S+\.h): No such file", text)
    missing = [path for path in Tree(root).missing() if (path == header["name"] if header else path.endswith(".c"))]
    if not missing or not header and "undefined reference" not in text:
        return None
    files = " and ".join(f"{NAME}/{path}" for path in missing[:3])
    return f"{files} {'is' if len(missing) == 1 else 'are'} gone: ./workshop start puts back what is missing, and leaves the rest"


def _declaration(text, statement):
    found = DECLARES.search(" ".join(statement))
    return TAKES[found[1]] if found and re.search(r"^expected|requires|undeclared here", text) else None


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
    found = ((re.search(pattern, text), advice) for pattern, advice in SAYS)
    return next((advice.format(**match.groupdict()) if "{" in advice else advice for match, advice in found if match), None)


def _statement(file, number):
    """That line of the file, behind those before it that belong to the same statement."""
    try:
        lines = [line.strip() for line in Path(file).read_text(errors="replace").split("\n")[:number]]
    except OSError:
        lines = []
    begin = next((i + 1 for i in range(len(lines) - 2, -1, -1) if not lines[i] or lines[i].endswith((";", "{", "}", "*/"))), 0)
    return lines[begin:] or [""]
