"""Wrong uses of the metrics API do not compile, or stop the program before main, and say why.

    check_misuse.py SOURCE_DIR COMPILER [LIBRARY]

Compiles tests/unit/metrics_misuse.c once for each value of MISUSE, with the tree's warnings. 0 must
pass without a word; each of the others must fail with the text that is expected of it. From 100 on they must compile,
and the program, linked with the metrics library, must abort and name file, line, metric and reason. Without LIBRARY
those are left out.
"""
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

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

AT_START = {
    100: ("a-b", "this is no metric name"),
    101: ("wrong", 'the label "le" is reserved'),
    102: ("wrong", 'the label "le" is reserved'),
    103: ("wrong", 'the label "quantile" is reserved'),
    104: ("wrong_total", 'the label "__name__" is reserved'),
    105: ("wrong", "buckets must ascend: 2 after 3"),
    106: ("wrong", "buckets must ascend: 2 after 3"),
    107: ("wrong", "a factor of 1 is not in"),
    108: ("plain_total", 'the name is taken by "plain_total" of '),
    109: ("plain", 'the name is taken by "plain_total" of '),
    110: ("plain_seconds_count", 'the name is taken by "plain_seconds" of '),
    111: ("wrong", "the name of an info ends in _info"),
    112: ("wrong", 'the label "wrong" is reserved'),
    113: ("wrong", "quantile 50 is not in [0, 1]"),
    114: ("wrong", "a window of -60 seconds"),
}


def compile_case(source, compiler, case):
    return subprocess.run([compiler, *FLAGS, f"-DMISUSE={case}", f"-I{source}/common",
                           f"{source}/tests/unit/metrics_misuse.c"], text=True, capture_output=True)


def declared_at(source, case):
    """The line of the case's declaration."""
    lines = pathlib.Path(source, "tests/unit/metrics_misuse.c").read_text().splitlines()
    return next(i for i, line in enumerate(lines, 2) if re.search(rf"MISUSE == {case}\b", line))


def start_case(source, compiler, library, case, directory):
    program = f"{directory}/{case}"
    subprocess.run([compiler, "-std=gnu11", "-D_GNU_SOURCE", f"-DMISUSE={case}", f"-I{source}/common",
                    f"{source}/tests/unit/metrics_misuse.c", library, "-pthread", "-lm", "-o", program], check=True)
    done = subprocess.run([program], text=True, capture_output=True)
    name, reason = AT_START.get(case, ("", ""))
    expected = f'metrics_misuse.c:{declared_at(source, case)}: metric "{name}": {reason}' if name else ""
    if (done.returncode, expected in done.stderr) != (-signal.SIGABRT if name else 0, True):
        sys.exit(f"case {case} should say {expected!r} but ends with {done.returncode}\n{done.stderr}")


def main(source, compiler, library=""):
    right = compile_case(source, compiler, 0)
    if right.returncode or right.stderr:
        sys.exit(f"right use is refused:\n{right.stderr}")
    cases = set(map(int, re.findall(r"MISUSE == (\d+)", pathlib.Path(source, "tests/unit/metrics_misuse.c").read_text())))
    known = {0, *EXPECTED, *AT_START}
    if cases != known:
        sys.exit(f"cases without an expectation, or the other way round: {cases ^ known}")
    for case, text in EXPECTED.items():
        done = compile_case(source, compiler, case)
        if done.returncode == 0:
            sys.exit(f"case {case} compiles")
        if not re.search(text, done.stderr):
            sys.exit(f"case {case} should say {text!r} but says\n{done.stderr}")
    with tempfile.TemporaryDirectory() as directory:
        for case in [0, *AT_START] if library else []:
            start_case(source, compiler, library, case, directory)


main(*sys.argv[1:])
