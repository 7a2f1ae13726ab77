"""Do the rooms know only what they may?

    check_arrows.py SOURCE_DIR BUILD_DIR

What a room USES and which LIBRARIES it links is read from the CMakeLists.txt files. Refused are
`../` includes; headers of rooms that are not used, or of other programs; internal.h of any other
room; headers of libraries that are not linked (so <uv.h> cannot enter metrics); labs that include
contract; and, in the objects that BUILD_DIR has, symbols of rooms that are not used.
"""
import pathlib
import re
import subprocess
import sys

LIBRARY_OF = [(r"uv(/.*)?\.h", "PkgConfig::UV"), (r"hiredis/.*", "PkgConfig::HIREDIS"),
              (r"(postgresql/)?libpq-.*", "PkgConfig::PQ"), (r"(rabbitmq-c/)?amqp.*", "PkgConfig::RABBITMQ"),
              (r"jansson.*", "PkgConfig::JANSSON"), (r"llhttp.*", "PkgConfig::LLHTTP"), (r"nghttp2/.*", "PkgConfig::NGHTTP2"),
              (r"z(lib|conf)\.h", "PkgConfig::ZLIB")]


class Part:
    """A room or a program: where its sources are, and what it may know."""

    def __init__(self, kind, name, directory, arguments):
        words = {"": []}
        at = ""
        for word in arguments.split():
            if word in ("DIR", "MAIN", "SOURCES", "USES", "LIBRARIES"):
                at = word
            words.setdefault(at, []).append(word)
        beneath = directory / (words["DIR"][1] if "DIR" in words else name)
        self.kind, self.name, self.directory = kind, name, beneath if beneath.is_dir() else directory
        self.uses = set(words.get("USES", [])[1:])
        self.libraries = set(words.get("LIBRARIES", [])[1:])


def read_parts(source):
    parts = {}
    for path in [source / "CMakeLists.txt", *source.glob("*/CMakeLists.txt")]:
        text = re.sub(r"#.*", "", path.read_text())
        for kind, name, rest in re.findall(r"^(room|program)\(\s*(\w+)([^)]*)\)", text, re.M):
            parts[name] = Part(kind, name, path.parent, rest)
    return parts


def closure(parts, names):
    seen = set()
    todo = list(names)
    while todo:
        name = todo.pop()
        if name not in seen and name in parts:
            seen.add(name)
            todo.extend(parts[name].uses)
    return seen


def includes(directory):
    for path in sorted(p for p in directory.rglob("*") if p.suffix in (".c", ".h")):
        for n, line in enumerate(path.read_text().splitlines(), 1):
            found = re.match(r'\s*#\s*(?:include|if.*__has_include\()\s*([<"])([^>"]+)', line)
            if found:
                yield f"{path}:{n}", found[1] == '"', found[2]


def check_own(part, may, parts, header):
    room, _, rest = header.partition("/")
    if header.startswith("../") or "/../" in header:
        return "leaves its directory"
    if room == part.directory.name:
        return None
    if any(other.kind == "program" and other.directory.name == room for other in parts.values()):
        return f"belongs to the program {room}"
    if room not in parts:
        return None
    if rest == "internal.h":
        return f"is internal to {room}"
    return None if room in may else f"{part.name} does not use {room}"


def check_foreign(libraries, header):
    for pattern, library in LIBRARY_OF:
        if re.fullmatch(pattern, header) and library not in libraries:
            return f"{library} is not among the libraries"
    return None


def check_includes(parts):
    for part in parts.values():
        beside = [other for other in parts.values() if other.directory == part.directory]  # programs may have one directory
        known = closure(parts, set().union(*(other.uses for other in beside)))
        may = part.uses if part.kind == "room" else known
        libraries = set().union(*(other.libraries for other in beside), *(parts[name].libraries for name in known))
        for where, quoted, header in includes(part.directory):
            wrong = check_own(part, may, parts, header) if quoted else check_foreign(libraries, header)
            if wrong:
                yield f"{where}: {header}: {wrong}"


def check_labs(source, parts):
    for name, part in parts.items():
        if "labs" in part.directory.relative_to(source).parts and "contract" in closure(parts, part.uses):
            yield f"labs must not know contract, but {name} does"


def symbols(build, part):
    """(defined, undefined) by the part's objects; programs' are in <name>_parts and <name>."""
    objects = [p for suffix in ("", "_parts") for p in build.rglob(f"CMakeFiles/{part.name}{suffix}.dir/**/*.o")]
    if not objects:
        return set(), set()
    lines = subprocess.run(["nm", "-g", *map(str, objects)], text=True, capture_output=True, check=True).stdout
    defined, undefined = set(), set()
    for kind, symbol in re.findall(r"^[0-9a-f ]*\b([A-Za-z]) (\w+)$", lines, re.M):
        (undefined if kind in "Uvw" else defined).add(symbol)
    return defined, undefined


def check_symbols(parts, build):
    tables = {name: symbols(build, part) for name, part in parts.items()}
    for name, (_, undefined) in tables.items():
        may = closure(parts, parts[name].uses) | {name}
        for other in tables.keys() - may:
            for symbol in sorted((undefined - tables[name][0]) & tables[other][0] - {"main"}):
                yield f"{name} needs {symbol} of {other}, which it does not use"
        if "PkgConfig::UV" not in set().union(*(parts[n].libraries for n in may)):
            for symbol in sorted(s for s in undefined if s.startswith("uv_")):
                yield f"{name} needs {symbol} of libuv"


def main(source, build):
    source = pathlib.Path(source).resolve()
    parts = read_parts(source)
    if not {"base", "metrics", "frontend"} <= parts.keys():
        sys.exit("the CMakeLists.txt files could not be read: rooms are missing")
    wrong = [*check_includes(parts), *check_labs(source, parts), *check_symbols(parts, pathlib.Path(build))]
    sys.exit("\n".join(wrong) or 0)


main(*sys.argv[1:])
