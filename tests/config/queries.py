"""Every PromQL of the tree: in Markdown, in dashboards, in rules. CONTRIBUTING.md says how a page marks its queries.

    of_markdown(text)    [Query]: ```promql blocks (one query, or several with an empty line between), inline code that is
                         a query, expr: in a block of YAML, query= in a command
    unmarked(text)       [Query] in other blocks, where nobody would look for them
    of_dashboards(), of_rules()
"""

import json
import re
import urllib.parse
from dataclasses import dataclass

import yaml

from conftest import ROOT
from workshop.labs import LABS
from workshop.promql import catalogue, metrics, names_in
from workshop.rules import ALERTS

FENCE = re.compile(r"^(\s*)(```+|~~~+)\s*(.*)$")
SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.S)
# What nobody would write who does not mean PromQL: a range, a matcher of a named series, a grouping, a quantile.
SURE = re.compile(r"""[\w}]\[\s*(\d+(ms|[smhdwy])|\$__\w+)[\]:]
    | [a-zA-Z_:][\w:]*\{[^{}]*(=|!=|=~|!~)\s*"[^{}]*\}(?!\s*[-\d.])
    | \b(sum|avg|min|max|count|topk|bottomk|group)\s*(by|without)\s*\(
    | \bhistogram_quantile\(\s*[\d.]""", re.X)
COMMAND = re.compile(r"""query=(?P<quoted>[^'"\s&]+)|'query=(?P<plain>[^']+)'|promtool query instant \S+ '(?P<tool>[^']+)'""")


@dataclass(frozen=True)
class Query:
    where: str               # file:line, or dashboard and panel, or the rule
    text: str
    sure: bool = True        # it was meant as a query; otherwise only if it can be read as one
    empty: bool = False      # it rightly gives nothing in health: then its parts must give something
    made: frozenset = frozenset()  # names that rules make which are not loaded, so nobody has them


def documents(labs=False):
    """All Markdown of the tree: what is about the labs, whose series are there where they run alone, or all the rest."""
    outside = (".workshop", "build", ".git")
    return [file for file in sorted(ROOT.rglob("*.md")) if file.relative_to(ROOT).parts[0] not in outside
            and is_of_labs(file) == labs]


def is_of_labs(file):
    return file.parent == ROOT / "docs/labs" or file.stem in {alert.name for alert in ALERTS if alert.service in LABS}


def lab_series():
    """The names that docs/metrics.md has in the labs' sections alone."""
    sections = re.split(r"^## ", (ROOT / "docs/metrics.md").read_text(), flags=re.M)
    names = [names_in(section for section in sections if section.startswith("Lab ") == labs) for labs in (True, False)]
    return names[0] - names[1]


def concrete(expression, seconds=30, step=5):
    """The expression as Grafana would ask it of a graph whose points are a scrape apart. What is asked of an hour ago is
    asked of now, for the workshop of a test is young."""
    values = {"__rate_interval": f"{round(seconds)}s", "__interval": f"{step}s", "__range": f"{round(seconds)}s"}
    put = re.sub(r"\$(?:\{(\w+)\}|(__\w+))", lambda found: values.get(found[1] or found[2], found[0]), expression)
    return re.sub(r"\boffset\s+\d+\w+", "", put)


def blocks(text):
    """[(language, line number, lines)] of the fenced blocks, and the text without them."""
    found, rest, inside = [], [], None
    for number, line in enumerate(text.splitlines(), 1):
        fence = FENCE.match(line)
        if inside and fence and fence[2].startswith(inside[3]) and not fence[3]:
            found.append(inside[:3])
            inside = None
        elif inside:
            inside[2].append(line)
        elif fence:
            inside = (fence[3].strip(), number + 1, [], fence[2])
        rest.append("" if inside or fence else line)
    return found, "\n".join(rest)


def of_markdown(text, name="", known=None):
    known = catalogue(ROOT) if known is None else known
    found, prose = blocks(text)
    queries = []
    for language, number, lines in found:
        if language.split()[:1] == ["promql"]:
            queries += _of_block(lines, f"{name}:{number}", "empty" in language.split())
        elif language.startswith(("yaml", "yml")):
            empty = "empty" in language.split()
            queries += [Query(f"{name}:{number}", expr, empty=empty) for expr in _exprs("\n".join(lines))]
        else:
            queries += [Query(f"{name}:{number + i}", asked) for i, line in enumerate(lines) for asked in _of_command(line)]
    for span in SPAN.finditer(prose):
        inner = " ".join(span[2].replace("\\|", "|").split())
        if SURE.search(inner) or metrics(inner) & known and " --" not in inner:  # which is an option of `up`, no query
            number = prose.count("\n", 0, span.start()) + 1
            queries.append(Query(f"{name}:{number}", inner, sure=bool(SURE.search(inner))))
    return queries


def _of_block(lines, where, empty):
    text = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    return [Query(where, " ".join(part.split()), empty=empty) for part in re.split(r"\n\s*\n", text) if part.strip()]


def _exprs(text):
    """Of a block of YAML that is a rule or a part of one."""
    try:
        return list(_values(yaml.safe_load(text), "expr"))
    except yaml.YAMLError:
        return []


def _values(node, key):
    for name, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        if name == key:
            yield str(value)
        else:
            yield from _values(value, key)


def _of_command(line):
    for found in COMMAND.finditer(line):
        yield found["plain"] or found["tool"] or urllib.parse.unquote_plus(found["quoted"])


def unmarked(text, name=""):
    """Lines and whole blocks that look like a query, in blocks that are not marked as PromQL, indented ones too."""
    found, prose = blocks(text)
    pieces = [(number + i, line) for language, number, lines in found if not language.startswith(("promql", "logql", "yaml"))
              for i, line in enumerate([*lines, *(["\n".join(lines)] if len(lines) > 1 else [])])]
    pieces += [(number, line) for number, line in enumerate(prose.splitlines(), 1) if line.startswith(("    ", "\t"))]
    return [Query(f"{name}:{number}", piece.strip(), sure=False) for number, piece in pieces if SURE.search(piece)]


def of_dashboards(labs=False):
    for file in sorted((ROOT / "grafana/dashboards").glob("*.json")):
        if (file.stem in LABS) != labs:
            continue
        for panel in json.loads(file.read_text())["panels"]:
            for target in panel.get("targets", []):
                if (target.get("datasource") or panel["datasource"])["uid"] == "prometheus":
                    yield Query(f"{file.name}, panel '{panel['title']}'", target["expr"])


def of_rules(scale, labs=False):
    """Of prometheus/rules/SCALE: recording rules, and alerts, which are silent in health."""
    rules = [rule for file in sorted((ROOT / "prometheus/rules" / scale).glob("*.yml")) if (file.stem == "labs") == labs
             for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]]
    made = frozenset() if scale == "classroom" else frozenset(rule["record"] for rule in rules if "record" in rule)
    return [Query(f"rules/{scale}, {rule.get('alert') or rule['record']}", rule["expr"], made=made,
                  empty="alert" in rule and rule["alert"] != "Watchdog") for rule in rules]
