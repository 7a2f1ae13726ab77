"""Finds what is wrong with a dashboard before Grafana or the board leave a panel empty without a word.

    complaints(root, files)   ["mine.json, panel 'Latency': no series is called htp_latency", ...]
"""

import json
import re

from .promql import catalogue, metrics, ranges

TYPES = {"timeseries", "stat", "gauge", "bargauge", "barchart", "heatmap", "table", "text", "row", "logs"}
SILENT = {"row", "text"}  # panels without a query
# The units of Grafana's list that make sense here. One that Grafana does not know it writes behind the number.
UNITS = {"short", "none", "percent", "percentunit", "s", "ms", "bytes", "Bps", "binBps", "decbytes", "reqps", "ops",
         "rps", "wps", "rowsps", "cps", "bool", "bool_yes_no", "bool_on_off", "dtdurations", "dateTimeAsIso", "celsius"}
COLUMNS = 24
# The parts that are looked at here.
SOURCE = {"uid": str}
FORM = {"uid": str, "title": str, "schemaVersion": int, "templating": {"list": [{"name": str}]}, "panels": [{
    "id": int, "type": str, "title": str, "description": str, "datasource": SOURCE, "gridPos": dict.fromkeys("xywh", int),
    "fieldConfig": {"defaults": {"unit": str}},
    "targets": [{"refId": str, "expr": str, "legendFormat": str, "datasource": SOURCE}]}]}
WORDS = {str: "text", int: "a whole number", dict: "an object", list: "a list"}
VARIABLE = re.compile(r"\$\{?(?!__|\d)(\w+)")  # $1 is a group of label_replace


def complaints(root, files=None):
    """One sentence for each fault of each file, naming file, panel and culprit. All dashboards where none is named."""
    files = sorted((root / "grafana/dashboards").glob("*.json")) if files is None else files
    known, sources = catalogue(root), datasources(root)
    pages, found = {}, []
    for file in files:
        try:
            page = json.loads(file.read_text())
        except OSError as error:
            found.append(f"{file.name}: cannot be read: {error.strerror}")
            continue
        except ValueError as error:
            found.append(f"{file.name}: is no JSON: {error}")
            continue
        if wrong := list(_misshapen(page, FORM)):
            found.append(f"{file.name}: {wrong[0]}")
            continue
        found += [f"{file.name}: {fault}" for fault in _page_faults(page, file.stem)]
        found += [f"{file.name}, {fault}" for fault in _panel_faults(page, known, sources)]
        pages.setdefault(page.get("uid"), []).append(file.name)
    return found + [f"{' and '.join(names)}: have the same uid '{uid}'" for uid, names in pages.items() if len(names) > 1]


def datasources(root):
    """The uids that Grafana is given."""
    files = (root / "grafana/provisioning/datasources").glob("*.yml")
    return {uid for file in files for uid in re.findall(r"^\s*-?\s*uid:\s*(\S+)", file.read_text(), re.M)}


def _misshapen(value, form, where="it"):
    """What has another form than the rest of this file takes for granted; what is left out or null has no form."""
    if isinstance(form, dict) and isinstance(value, dict):
        for key in form.keys() & value.keys():
            if value[key] is None:
                del value[key]
            else:
                yield from _misshapen(value[key], form[key], f"{where}.{key}".removeprefix("it."))
    elif isinstance(form, list) and isinstance(value, list):
        for i, item in enumerate(value):
            yield from _misshapen(item, form[0], f"{where}[{i}]")
    elif type(value) is not (form if isinstance(form, type) else type(form)):
        yield f"is no dashboard: {where} must be {WORDS[form if isinstance(form, type) else type(form)]}"


def _page_faults(page, stem):
    if page.get("uid") != stem:
        yield f"its uid is '{page.get('uid')}', and must be the file's name, '{stem}'"
    if not page.get("title"):
        yield "has no title"
    if page.get("schemaVersion", 0) < 38:
        yield f"its schemaVersion is {page.get('schemaVersion')}, older than 38: export it from a newer Grafana"
    if not page.get("panels"):
        yield "has no panels"
    yield from _twice("panels are called", [panel["title"] for panel in page.get("panels", []) if panel.get("title")])
    yield from _twice("panels have the id", [panel.get("id") for panel in page.get("panels", [])])
    yield from _overlaps(page.get("panels", []))


def _twice(what, values):
    return (f"two {what} '{value}'" for value in dict.fromkeys(values) if values.count(value) > 1)


def _overlaps(panels):
    taken = {}
    for panel in panels:
        grid = panel.get("gridPos", {})
        if {*grid} != {*"xywh"} or grid["x"] < 0 or grid["x"] + grid["w"] > COLUMNS or grid["w"] < 1 or grid["h"] < 1:
            yield f"panel '{panel.get('title')}' has no place in the {COLUMNS} columns: {grid}"
            continue
        cells = {(x, y) for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"])}
        hidden = {taken[cell] for cell in cells & taken.keys()}
        yield from (f"panel '{panel.get('title')}' lies over '{other}'" for other in sorted(hidden))
        taken |= dict.fromkeys(cells, panel.get("title"))


def _panel_faults(page, known, sources):
    variables = {variable.get("name") for variable in page.get("templating", {}).get("list", [])}
    for panel in page.get("panels", []):
        faults = list(_looks(panel, page.get("uid")))
        if panel.get("type") not in SILENT:
            faults += _source(panel, sources)
            for target in panel.get("targets", []):
                faults += _target(panel, target, known, sources, variables)
        yield from (f"panel '{panel.get('title') or panel.get('id')}': {fault}" for fault in faults)


def _looks(panel, uid):
    kind = panel.get("type")
    if kind not in TYPES or kind == "logs" and uid != "logs":
        yield f"a panel of type '{kind}' cannot be drawn here; there are {', '.join(sorted(TYPES - {'logs'}))}"
    if not panel.get("title") and kind != "text":
        yield "has no title"
    if kind in SILENT:
        return
    if not panel.get("description"):
        yield "has no description: say what it shows, what is normal, and what to do where it is not"
    unit = panel.get("fieldConfig", {}).get("defaults", {}).get("unit")
    if not unit:
        yield "has no unit; 'short' is that of a plain number"
    elif unit not in UNITS:
        yield f"Grafana has no unit '{unit}', or it is not in UNITS of tools/workshop/complaints.py"
    if not panel.get("targets"):
        yield "has no query"
    yield from _twice("queries have the refId", [target.get("refId") for target in panel.get("targets", [])])


def _source(holder, sources):
    uid = (holder.get("datasource") or {}).get("uid")
    return [] if uid in sources else [f"no datasource has the uid '{uid}'; there are {', '.join(sorted(sources))}"]


def _target(panel, target, known, sources, variables):
    expression = target.get("expr", "")
    if "datasource" in target:
        yield from _source(target, sources)
    if not expression.strip():
        yield f"query {target.get('refId')} is empty"
    if panel.get("type") != "logs" and not target.get("legendFormat"):
        yield f"query {target.get('refId')} has no legend"
    yield from (f"there is no variable ${name}" for name in sorted({*VARIABLE.findall(expression)} - variables))
    if (target.get("datasource") or panel.get("datasource") or {}).get("uid") != "prometheus":
        return
    yield from (f"no series is called {name} in docs/metrics.md" for name in sorted(metrics(expression) - known))
    if re.search(r'(127\.0\.0\.1|localhost|instance\s*=)', expression):
        yield "a query names a host, which is another one in containers: choose by job"
    if panel.get("type") in ("timeseries", "heatmap"):
        fixed = sorted(length for length in ranges(expression) if not length.startswith("$"))
        yield from (f"the range [{length}] does not follow the graph's time: [$__rate_interval] does" for length in fixed)
