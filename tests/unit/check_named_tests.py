"""The tests that the manual names for each demand of the specification exist.

    check_named_tests.py DOCUMENT TESTS_DIR
"""
import pathlib
import re
import sys

HEADING = "## The specification, and its tests"


def main(document, tests):
    table = pathlib.Path(document).read_text(encoding="utf-8").partition(HEADING)[2]
    named = {name for row in re.findall(r"^\|.*\|(.*)\|$", table, re.M) for name in re.findall(r"`(\w+)`", row)}
    sources = [path for path in pathlib.Path(tests).rglob("*") if path.suffix in (".c", ".py", ".txt")]
    text = "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in sources)
    defined = set(re.findall(r"(?:^static void|^def|^\s*check\(|^unit_test\()\s*(\w+)", text, re.M))
    if not named or named - defined:
        sys.exit(f"{document} names no tests, or these that do not exist: {sorted(named - defined)}")


main(*sys.argv[1:])
