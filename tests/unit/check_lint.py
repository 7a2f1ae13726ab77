"""Does metrics_lint say what promlint says, and name file and line?

    check_lint.py METRICS_LINT_SPECIMEN
"""
import pathlib
import re
import subprocess
import sys


def declared():
    """name → line of metrics_lint_specimen.c"""
    source = pathlib.Path(__file__).with_name("metrics_lint_specimen.c")
    lines = enumerate(source.read_text().splitlines(), 1)
    return {found[1]: n for n, line in lines if (found := re.match(r'[A-Z_]+\(\w+, "([^"]+)"', line))}


def main(program):
    done = subprocess.run([program], capture_output=True, text=True, check=True)
    ours = [re.fullmatch(r'(.*?):(\d+): metric "([^"]+)": (.*)', line).groups() for line in done.stderr.splitlines()]
    checked = subprocess.run(["promtool", "check", "metrics"], input=done.stdout, text=True, capture_output=True)
    theirs = sorted(line for line in (checked.stdout + checked.stderr).splitlines() if line)
    said = sorted(f"{name} {text}" for _, _, name, text in ours)
    lines = declared()
    wrong = [f"promtool alone: {line}" for line in theirs if line not in said]
    wrong += [f"metrics_lint alone: {line}" for line in said if line not in theirs]
    wrong += [f"{name} is said to be in {file}:{line}" for file, line, name, _ in ours
              if not file.endswith("metrics_lint_specimen.c") or lines[name] != int(line)]
    if len({name for *_, name, _ in ours}) != sum(not name.startswith("good_") for name in lines):
        wrong.append("not every bad name was found")
    sys.exit("\n".join(wrong) or 0)


main(*sys.argv[1:])
