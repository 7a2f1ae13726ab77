"""The words in which the pages of pages/ are written; they make the JSON that Grafana and the board read.

A page is a title, a sentence about it, and rows; a row is a list of panels side by side, or a heading:

    PAGE = page("hosts", "Host", "What the machine has, and how much of it is in use.", [
        "Utilisation",
        [timeseries("Load", "short", {"runnable": 'node_load1'}, "Shows ... Normal: ... Otherwise: ..."),
         stat(...)],
    ])

A panel is a title, a unit of Grafana's (reqps, s, bytes, percentunit, short ...), its queries as legend → PromQL, and a
description that says what it shows, what is normal, and what to do where it is not. `limits` are value → colour: from
that value on it has that colour, and `color_below` (green) below. `words` are value → (text, colour), shown in its place;
the colour None is that of the limits. `width` is its share of the row, 1 unless told otherwise.
Where a rate's range is wanted, write [$__rate_interval]: four scrapes, or more where the graph is long.
"""

PROMETHEUS = {"type": "prometheus", "uid": "prometheus"}
LOKI = {"type": "loki", "uid": "loki"}
COLUMNS = 24  # of Grafana's grid
HEIGHT = {"row": 1, "stat": 4, "gauge": 4}
GRAPH_HEIGHT = 8


def page(uid, title, about, rows, **more):
    """A dashboard. Its file and its address have the name `uid`. `more` overrides keys of the JSON."""
    made = {
        "uid": uid, "title": title, "description": about, "tags": ["workshop"], "schemaVersion": 39, "version": 1,
        "editable": True, "graphTooltip": 1, "timezone": "browser", "refresh": "5s",
        "time": {"from": "now-15m", "to": "now"}, "templating": {"list": []}, "annotations": {"list": []},
        "links": [{"type": "dashboards", "title": "Pages", "tags": ["workshop"], "asDropdown": True, "includeVars": False,
                   "keepTime": True, "targetBlank": False, "icon": "external link", "tooltip": "", "url": ""}],
    }
    return made | {"panels": list(_placed(rows))} | more


def _placed(rows):
    """Gives every panel its number and its place, row below row."""
    y, number = 0, 0
    for row in rows:
        panels = [_heading(row)] if isinstance(row, str) else [dict(panel) for panel in row]
        height = max(panel.pop("height") for panel in panels)
        total, before = sum(panel["width"] for panel in panels), 0
        for panel in panels:
            number += 1
            x, before = COLUMNS * before // total, before + panel.pop("width")
            width = COLUMNS * before // total - x  # so that the last one ends where the grid does
            yield {"id": number, **panel, "gridPos": {"h": height, "w": width, "x": x, "y": y}}
        y += height


def _heading(title):
    return {"type": "row", "title": title, "collapsed": False, "panels": [], "width": 1, "height": HEIGHT["row"]}


def _panel(kind, title, unit, queries, description, options, custom=None, *, width=1, height=None, limits=None, low=None,
           high=None, decimals=None, color=None, color_below="green", words=None, source=PROMETHEUS, query=None):
    """`query` is put into every target, `custom` into every field."""
    defaults = {"unit": unit, "min": low, "max": high, "decimals": decimals, "color": color, "custom": custom,
                "thresholds": _thresholds(limits or {}, color_below), "mappings": _mappings(words)}
    return {
        "type": kind, "title": title, "description": " ".join(description.split()), "datasource": source,
        "targets": [{"refId": chr(ord("A") + i), "datasource": source, "expr": " ".join(expr.split()),
                     "legendFormat": legend, **(query or {"range": True})}
                    for i, (legend, expr) in enumerate(queries.items())],
        "fieldConfig": {"defaults": {key: value for key, value in defaults.items() if value is not None},
                        "overrides": []},
        "options": options, "width": width, "height": height or HEIGHT.get(kind, GRAPH_HEIGHT),
    }


def _thresholds(limits, below):
    steps = [{"value": value, "color": color} for value, color in sorted(limits.items())]
    return {"mode": "absolute", "steps": [{"value": None, "color": below}, *steps]}


def _mappings(words):
    """The texts that stand in for values, or None."""
    if not words:
        return None
    options = {str(value): {"index": i, "text": text} | ({"color": color} if color else {})
               for i, (value, (text, color)) in enumerate(words.items())}
    return [{"type": "value", "options": options}]


def timeseries(title, unit, queries, description, *, stacked=False, low=0, exemplars=False, **more):
    """Lines over time; their last value stands in the legend. Limits are drawn as dashed lines."""
    custom = {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 30 if stacked else 10, "showPoints": "never",
              "spanNulls": 15000, "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
              "thresholdsStyle": {"mode": "dashed" if more.get("limits") else "off"}}
    options = {"legend": {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": ["lastNotNull"]},
               "tooltip": {"mode": "multi", "sort": "desc"}}
    query = {"queryType": "range"} if more.get("source") == LOKI else {"range": True}
    return _panel("timeseries", title, unit, queries, description, options, custom, low=low,
                  query=query | ({"exemplar": True} if exemplars else {}), color={"mode": "palette-classic"}, **more)


def _last():
    return {"calcs": ["lastNotNull"], "fields": "", "values": False}


def stat(title, unit, queries, description, *, graph=True, **more):
    """One number, its colour by the limits, with its course behind it."""
    options = {"reduceOptions": _last(), "colorMode": "value", "graphMode": "area" if graph else "none",
               "justifyMode": "auto", "orientation": "auto", "textMode": "auto"}
    return _panel("stat", title, unit, queries, description, options, color={"mode": "thresholds"}, **more)


def gauge(title, unit, queries, description, *, low=0, high=1, **more):
    """A number on a dial with two ends."""
    options = {"reduceOptions": _last(), "orientation": "auto", "showThresholdLabels": False,
               "showThresholdMarkers": True}
    return _panel("gauge", title, unit, queries, description, options, low=low, high=high,
                  color={"mode": "thresholds"}, **more)


def bars(title, unit, queries, description, *, low=0, **more):
    """One bar a series, of its last value: for comparing many of a kind."""
    options = {"reduceOptions": _last(), "orientation": "horizontal", "displayMode": "basic", "showUnfilled": True,
               "valueMode": "color", "minVizHeight": 10, "minVizWidth": 0}
    return _panel("bargauge", title, unit, queries, description, options, low=low, color={"mode": "thresholds"}, **more)


def heatmap(title, unit, buckets, description, **more):
    """How many fell into which bucket of a histogram, over time. `buckets` gives a series for each `le`. Grafana marks
    exemplars on it; a click on one leads to the log lines of that request."""
    options = {
        "calculate": False, "cellGap": 1, "cellValues": {"unit": "short"}, "showValue": "never",
        "color": {"mode": "scheme", "scheme": "Oranges", "fill": "dark-orange", "scale": "exponential", "exponent": 0.5,
                  "steps": 64, "reverse": False},
        "exemplars": {"color": "rgba(255,0,255,0.7)"}, "filterValues": {"le": 1e-9}, "legend": {"show": True},
        "rowsFrame": {"layout": "auto"}, "tooltip": {"mode": "single", "yHistogram": False, "showColorScale": False},
        "yAxis": {"axisPlacement": "left", "unit": unit, "reverse": False},
    }
    query = {"range": True, "format": "heatmap", "exemplar": True}
    return _panel("heatmap", title, unit, {"{{le}}": buckets}, description, options,
                  {"scaleDistribution": {"type": "linear"}}, query=query, **more)


def logs(title, query, description, **more):
    """Lines from Loki. They have no unit; "short" stands for "as they are"."""
    options = {"showTime": True, "showLabels": False, "showCommonLabels": False, "wrapLogMessage": True,
               "prettifyLogMessage": False, "enableLogDetails": True, "dedupStrategy": "none", "sortOrder": "Descending"}
    return _panel("logs", title, "short", {"": query}, description, options, source=LOKI, query={"queryType": "range"},
                  **more)
