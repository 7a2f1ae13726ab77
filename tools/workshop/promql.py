"""Which series a PromQL expression asks for, without a parser of the language: enough to find names that nobody has.

    selectors('rate(up{job="x"}[1m])')   ['up{job="x"}']
    metrics('rate(up{job="x"}[1m])')     {'up'}
    catalogue(root)                      the names that docs/metrics.md lists, and those that rules record
"""

import re

TOKEN = re.compile(r"""(?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)
    | (?P<braces>\{(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[^{}"'])*\})
    | (?P<range>\[[^\]]*\])
    | (?P<number>0x[0-9a-fA-F]+|\d[\w.]*)
    | (?P<name>[a-zA-Z_:][\w:]*)
    | (?P<sign>\S)""", re.X)
GROUPINGS = {"by", "without", "on", "ignoring", "group_left", "group_right"}
KEYWORDS = GROUPINGS | {"and", "or", "unless", "bool", "offset", "start", "end", "inf", "nan", "atan2"}
PARTS = {"histogram": ("", "_bucket", "_sum", "_count"), "summary": ("", "_sum", "_count")}


def selectors(expression):
    """Every selector, with its matchers and without its range, in order."""
    tokens = [(found.lastgroup, found[0]) for found in TOKEN.finditer(expression)] + [("end", "")] * 2
    found, i = [], 0
    while tokens[i][0] != "end":
        (kind, text), following = tokens[i], tokens[i + 1]
        i += 1
        if text.lower() in GROUPINGS and following[1] == "(":
            while tokens[i][1] not in (")", ""):
                i += 1
        elif kind == "braces":
            found.append(text)
        elif kind == "name" and text.lower() not in KEYWORDS and following[1] != "(" and \
                not (text.lower() in AGGREGATIONS and following[1].lower() in GROUPINGS):
            braces = following[1] if following[0] == "braces" else ""
            i += bool(braces)
            found.append(text + braces)
    return found


AGGREGATIONS = {"sum", "min", "max", "avg", "group", "stddev", "stdvar", "count", "count_values", "bottomk", "topk",
                "quantile"}


def metrics(expression):
    """The names of the series; a selector without a name has none."""
    return {name for name in (selector.partition("{")[0] for selector in selectors(expression)) if name}


def ranges(expression):
    """The ranges in brackets, as they stand there: ['5m', '$__rate_interval']."""
    return [found[0][1:-1].partition(":")[0].strip() for found in TOKEN.finditer(expression) if found.lastgroup == "range"]


def catalogue(root):
    """All names that a query may use."""
    return names_in([(root / "docs/metrics.md").read_text()]) | recorded(root)


def names_in(texts):
    """The names that the tables of such texts list."""
    names = set()
    for line in (line for text in texts for line in text.splitlines()):
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("| `") else []
        if len(cells) >= 3:
            names |= {name + part for name in re.findall(r"`([^`]+)`", cells[0]) for part in PARTS.get(cells[1], ("",))}
    return names


def recorded(root):
    """What the recording rules make."""
    files = (root / "prometheus/rules").rglob("*.yml")
    return {name for file in files for name in re.findall(r"^\s*-?\s*record:\s*(\S+)", file.read_text(), re.M)}
