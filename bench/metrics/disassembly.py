"""How long the hot paths of the metrics are: `NAME VALUE UNIT` lines, in instructions.

    disassembly.py PROGRAM [--show]     PROGRAM holds bench/metrics/hot.c; --show prints the instructions too

Counted is the usual way: from the start of the function to its return, no conditional branch taken, for the rare ways
are marked as such and the compiler has moved them out of line; a jump to another function is followed. That is also
what `perf stat -e instructions:u` counts for one operation, save where a function is called, which is named.
"""
import re
import subprocess
import sys

PATHS = {
    "counter_inc": "hot_counter_inc", "counter_add_double": "hot_counter_add", "gauge_set": "hot_gauge_set",
    "gauge_inc": "hot_gauge_inc", "histogram_observe": "hot_histogram_observe", "summary_observe": "hot_summary_observe",
}


def functions(program):
    """Name → the instructions of the function, as (address, text)."""
    found, current = {}, None
    text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", program], check=True, capture_output=True, text=True)
    for line in text.stdout.splitlines():
        if head := re.match(r"[0-9a-f]+ <([^>]+)>:", line):
            current = found.setdefault(head[1], [])
        elif current is not None and (body := re.match(r" *([0-9a-f]+):\s+(.+)", line)):
            current.append((int(body[1], 16), body[2].strip()))
    return found


def usual_way(name, known):
    """The instructions from the start to the return."""
    way = []
    for _, text in known[name]:
        way.append(text)
        jump = re.match(r"jmp +[0-9a-f]+ <([^>+]+)>", text)
        if jump and jump[1] in known and jump[1] != name:
            return way + usual_way(jump[1], known)
        if re.match(r"(repz )?ret|jmp", text):
            return way
    return way


def main(program, *options):
    known = functions(program)
    for name, function in PATHS.items():
        way = usual_way(function, known)
        calls = [m[1] for text in way if (m := re.match(r"call +[0-9a-f]+ <([^>]+)>", text))]
        print(f"{name} {len(way)} instructions" + (f" and {', '.join(calls)}" if calls else ""))
        if "--show" in options:
            print(*("    " + text for text in way), sep="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
