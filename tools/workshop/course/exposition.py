"""/metrics in the text format, read as strictly as Prometheus reads it, and differences between two pages."""

import difflib
import math
import re
from dataclasses import dataclass, field

TYPES = ("counter", "gauge", "histogram", "summary", "untyped")
PARTS = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("_sum", "_count")}
NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\[\\"n])*)"')
ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}
VALUES = {"+Inf": math.inf, "Inf": math.inf, "-Inf": -math.inf, "NaN": math.nan}


class Garbage(Exception):
    """The page is no exposition; the message names the line."""


@dataclass
class Sample:
    name: str
    labels: dict
    value: float


@dataclass
class Family:
    name: str
    type: str = "untyped"
    help: str = ""
    samples: list = field(default_factory=list)

    def label_names(self):
        """Of its samples, without le and quantile, which make up a histogram and a summary."""
        return {name for sample in self.samples for name in sample.labels} - {"le", "quantile"}


class Page:
    def __init__(self, families, text=""):
        self.families, self.text = families, text

    def samples(self, name, **labels):
        """Those of that name (http_latency_bucket, say) that bear these labels."""
        return [sample for family in self.families.values() for sample in family.samples
                if sample.name == name and labels.items() <= sample.labels.items()]

    def value(self, name, **labels):
        """Their sum; None where there is none."""
        found = self.samples(name, **labels)
        return sum(sample.value for sample in found) if found else None

    def labels(self, name):
        """The labels of each sample of that name."""
        return [sample.labels for sample in self.samples(name)]

    def nearest(self, name):
        """The family whose name is most like this one, for 'did you mean'; None where none is."""
        close = difflib.get_close_matches(name, self.families, 1, 0.75)
        return close[0] if close else None

    def __sub__(self, before):
        return Growth(before, self)


class Growth:
    """What happened between two scrapes."""

    def __init__(self, before, after):
        self.before, self.after = before, after

    def of(self, name, **labels):
        """By how much the series have grown, added up; one that is not there counts as 0."""
        return (self.after.value(name, **labels) or 0) - (self.before.value(name, **labels) or 0)


def parse(text):
    """The Page. Garbage where a line is none that Prometheus takes, or stands where it must not."""
    families, seen = {}, set()
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            _take(line, families, seen)
        except ValueError as error:
            raise Garbage(f"line {number} of /metrics {error}: {line[:100]}") from None
    if not families:
        raise Garbage("/metrics is empty")
    if not text.endswith("\n"):
        raise Garbage("the last line of /metrics does not end with a newline")
    return Page(families, text)


def _take(line, families, seen):
    if line.startswith("#"):
        _take_comment(line, families)
        return
    sample = _sample(line)
    key = (sample.name, frozenset(sample.labels.items()))
    if key in seen:
        raise ValueError("says a series for the second time")
    seen.add(key)
    _family_of(sample.name, families).samples.append(sample)


def _take_comment(line, families):
    words = line.split(" ", 3)
    if len(words) < 3 or words[1] not in ("HELP", "TYPE"):
        return
    family = families.setdefault(words[2], Family(words[2]))
    text = words[3] if len(words) > 3 else ""
    if words[1] == "HELP":
        family.help = text
    elif text not in TYPES:
        raise ValueError("names a type that there is not")
    else:
        family.type = text


def _family_of(name, families):
    if name in families:
        return families[name]
    for kind, parts in PARTS.items():
        for part in parts:
            base = name.removesuffix(part)
            if base != name and base in families and families[base].type == kind:
                return families[base]
    return families.setdefault(name, Family(name))


def _sample(line):
    match = NAME.match(line)
    if not match:
        raise ValueError("is no sample")
    rest, labels = line[match.end():], {}
    if rest.startswith("{"):
        labels, rest = _labels(rest[1:])
    words = rest.split()
    if not 1 <= len(words) <= 2 or not rest[:1].isspace():
        raise ValueError("is no sample")
    return Sample(match[0], labels, _number(words[0]))


def _labels(text):
    labels = {}
    while not text.startswith("}"):
        match = LABEL.match(text)
        if not match:
            raise ValueError("has labels that are none")
        if match[1] in labels:
            raise ValueError(f"has the label {match[1]} twice")
        labels[match[1]] = re.sub(r"\\.", lambda found: ESCAPES[found[0]], match[2])
        text = text[match.end():]
        if text.startswith(","):
            text = text[1:]
        elif not text.startswith("}"):
            raise ValueError("has labels that are none")
    return labels, text[1:]


def _number(word):
    if word in VALUES:
        return VALUES[word]
    if not re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", word):
        raise ValueError("has no number")
    return float(word)
