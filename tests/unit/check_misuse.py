"""Wrong uses of the metrics API do not compile, and say why.

    check_misuse.py SOURCE_DIR COMPILER

Compiles tests/unit/metrics_misuse.c once for each value of MISUSE, with the tree's warnings. 0 must
pass without a word; each of the others must fail with the text that is expected of it.
"""
import pathlib
import re
import subprocess
import sys

FLAGS = ["-std=gnu11", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wno-missing-field-initializers",
         "-fdiagnostics-color=never"]
OMITTED = "every label of the metric must be given, each once"
EXPECTED = {
    1: r"methode",
    2: OMITTED,
    3: OMITTED,
    4: r"overwritten|overrides prior",
    5: OMITTED,
    6: r"incompatible pointer type",
    7: r"family|labels",
    8: OMITTED,
    9: OMITTED,
    10: r"(integer to pointer|pointer from integer|int.*to.*const char)",
    11: r"a metric needs a help text",
    12: r"duplicate member",
    13: r"METRIC_EACH_9",
    14: r"conflicting types|different type",
    15: r"no member named .shut.",
    16: OMITTED,
    17: r"incompatible pointer type",
    18: r"duplicate member",
    19: r"expected identifier",
    20: r"expected identifier",
    21: r"each name needs a value",
    22: r"incompatible pointer type",
}


def compile_case(source, compiler, case):
    return subprocess.run([compiler, *FLAGS, f"-DMISUSE={case}", f"-I{source}/common",
                           f"{source}/tests/unit/metrics_misuse.c"], text=True, capture_output=True)


def main(source, compiler):
    right = compile_case(source, compiler, 0)
    if right.returncode or right.stderr:
        sys.exit(f"right use is refused:\n{right.stderr}")
    cases = set(map(int, re.findall(r"MISUSE == (\d+)", pathlib.Path(source, "tests/unit/metrics_misuse.c").read_text())))
    if cases - {0} != EXPECTED.keys():
        sys.exit(f"cases without an expectation, or the other way round: {cases ^ EXPECTED.keys()}")
    for case, text in EXPECTED.items():
        done = compile_case(source, compiler, case)
        if done.returncode == 0:
            sys.exit(f"case {case} compiles")
        if not re.search(text, done.stderr):
            sys.exit(f"case {case} should say {text!r} but says\n{done.stderr}")


main(*sys.argv[1:])
