"""Logs: the lines of all programs, from Loki. The only page whose panels ask Loki, which no test has at hand."""

from panels import LOKI, logs, page, timeseries

LINES = '{service=~"$service", level=~"$level"} | trace_id=~"${trace_id:raw}.*" |= "$search"'


def choice(name, label, values):
    """A variable with a list to choose from, all of it at first."""
    return {"type": "custom", "name": name, "label": label, "query": ",".join(values), "multi": True, "includeAll": True,
            "allValue": ".+", "current": {"text": ["All"], "value": ["$__all"]}, "options": [], "hide": 0}


def box(name, label):
    """A variable to type into, empty at first."""
    return {"type": "textbox", "name": name, "label": label, "query": "", "current": {"text": "", "value": ""},
            "options": [], "hide": 0}


PAGE = page("logs", "Logs", "The lines of all programs; a click on an exemplar leads here, to the lines of one request.", [
    [
        timeseries("Lines a second, by level", "short", {
            "{{level}}": 'sum by (level) (rate({service=~"$service"}[$__auto]))',
        }, """Shows how much the programs say. Normal: info, some for each request. Otherwise: warn and error come
           with a reason in the lines below.""", stacked=True, source=LOKI),
        timeseries("Lines a second, by program", "short", {
            "{{service}}": 'sum by (service) (rate({level=~"$level"}[$__auto]))',
        }, """Shows who says it. Normal: frontend and backend with the load. Otherwise: a program that is silent is
           down, or logs less than it was told to.""", stacked=True, source=LOKI),
    ],
    [
        logs("Lines", LINES, """Shows the newest lines first; open one for its fields. Normal: requests and jobs.
             Otherwise: choose the level error, find a line, and use its trace_id to see all that happened to that
             request.""", height=20),
    ],
], templating={"list": [
    choice("service", "Program", ["frontend", "backend", "traffic", "rabbitmq", "postgres", "redis", "prometheus"]),
    choice("level", "Level", ["debug", "info", "warn", "error"]),
    box("trace_id", "Trace"), box("search", "Contains"),
]}, refresh="10s")
