"""The marks in the product's C code: which lines belong to which exercise.

    counter_inc(&hello_total); /* [1] */            this line belongs to exercise 1
    HISTOGRAM_VEC(…, BUCKETS_DEFAULT, /* [4 */      from this line …
                  method, endpoint);  /* 4] */      … to this one, both included

Where a block begins in a comment (`… passed validation. [1 */`), the whole comment belongs to it. Blocks do not nest. The
product has no other form of these lines, so that leaving them out must give code that compiles and works: nothing is
ever put in their place. What `derive` gives has no marks.
"""

import re

MARK = re.compile(r"[ \t]*/\* \[(?P<one>\d+)\] \*/$|(?:(?P<own>[ \t]*/\*)|(?P<comment>))"
                  r" (?:\[(?P<begin>\d+)|(?P<end>\d+)\]) \*/$")


class BadMark(Exception):
    pass


def lines_of(text, name="the text"):
    """[(line without its mark, number of its exercise or None)]"""
    found, block = [], None
    for number, line in enumerate(text.split("\n"), 1):
        mark = MARK.search(line)
        plain, belongs = line, block
        if mark:
            plain = line[:mark.start()].rstrip() + (" */" if mark["own"] is None and not mark["one"] else "")
            belongs, block = _step(mark, block, f"{name}:{number}")
            if mark["begin"] and mark["own"] is None:
                _widen(found, plain, belongs)
        found.append((plain, belongs))
    if block is not None:
        raise BadMark(f"{name}: the block of exercise {block} has no end")
    return found


def _step(mark, block, where):
    """(exercise of the marked line, the block that is open behind it)"""
    if mark["one"]:
        if block is not None:
            raise BadMark(f"{where}: a mark in the block of exercise {block}")
        return int(mark["one"]), None
    if mark["begin"]:
        if block is not None:
            raise BadMark(f"{where}: a block in the block of exercise {block}")
        return int(mark["begin"]), int(mark["begin"])
    if block != int(mark["end"]):
        raise BadMark(f"{where}: the end of exercise {mark['end']}, which has not begun")
    return block, None


def _widen(found, plain, belongs):
    """The lines before, up to the one that opens the comment which ends here."""
    at = len(found)
    while "/*" not in plain:
        at -= 1
        plain, _ = found[at]
        found[at] = (plain, belongs)


def exercises(text, name="the text"):
    """The numbers of the exercises that have lines here."""
    return {number for _, number in lines_of(text, name) if number is not None}


def derive(text, solved, name="the text"):
    """The text without the lines of the exercises that are not in `solved`, and without marks. An empty line that
    stood on both sides of what is left out stays once."""
    kept, cut = [], False
    for line, belongs in lines_of(text, name):
        if belongs is not None and belongs not in solved:
            cut = True
            continue
        if not (cut and not line.strip() and (not kept or not kept[-1].strip())):
            kept.append(line)
        cut = cut and not line.strip()
    return "\n".join(kept)


def of_exercise(text, number, name="the text"):
    """[(line number, line)] of one exercise."""
    return [(at, line) for at, (line, belongs) in enumerate(lines_of(text, name), 1) if belongs == number]
