"""What a teacher says of metrics: judgements that most checks need, each a Wrong where it does not hold."""

from pathlib import Path

from ..promql import catalogue
from .report import Wrong

ROOT = Path(__file__).resolve().parents[3]

# What each type is for, said to whoever took another.
FOR = {
    "counter": "a counter is for what only goes up: events since the start, of which Prometheus takes the rate",
    "gauge": "a gauge is for what goes up and down: a level that is set anew each time",
    "histogram": "a histogram counts observations in buckets, which can be added up over programs",
    "summary": "a summary tells quantiles that the program itself computes",
}


def family(page, name, kind, labels=(), where="the page"):
    """The family of that name, type and labels. `labels` are judged only where it has a sample;
    None: not at all."""
    found = page.families.get(name)
    if found is None or not (found.samples or found.type != "untyped"):
        near = page.nearest(name)
        raise Wrong(f"{where} has no {name}", expected=f"a {kind} of that name",
                    likely=f"there is {near}: is the name spelt as the exercise says?"
                    if near and near not in catalogue(ROOT) else "is it declared at the top of a file of the program that is asked?")
    if found.type != kind:
        raise Wrong(f"{name} is a {found.type}", expected=f"a {kind}: {FOR[kind]}",
                    likely=f"{found.type.upper()} in its declaration where {kind.upper()} belongs")
    if found.samples and labels is not None:
        label_names(found, labels)
    return found


def label_names(found, labels):
    """That its series bear these labels and no others."""
    there, wanted = found.label_names(), set(labels)
    for missing in sorted(wanted - there):
        raise Wrong(f"{found.name} has no label {missing}" + (f"; it has {', '.join(sorted(there))}" if there else ""),
                    expected=f"the labels {', '.join(labels)}" if len(labels) > 1 else f"the label {missing}",
                    likely="labels are named behind the help text of a declaration that ends in _VEC")
    for extra in sorted(there - wanted):
        raise Wrong(f"{found.name} has a label {extra}",
                    expected=f"the label{'s' * (len(labels) > 1)} {', '.join(labels)} alone" if labels else "no label",
                    likely="each value of a label makes a series more; take only what the question needs")


def grew(growth, name, by, of, likely=None, **labels):
    """That the series grew by exactly so much: `of` says in words what happened meanwhile."""
    told = growth.of(name, **labels)
    if told != by:
        raise Wrong(f"{series(name, **labels)} grew by {told:g} for {of}", expected=f"{by:g}", likely=likely)


def series(name, **labels):
    """As one writes it in PromQL."""
    return name + ("{" + ",".join(f'{key}="{value}"' for key, value in labels.items()) + "}" if labels else "")


def bounded(page, name, label, allowed, likely):
    """That a label has no values but these."""
    strange = sorted({labels[label] for labels in page.labels(name) if label in labels} - set(allowed))
    if strange:
        raise Wrong(f'{name} has a series with {label}="{strange[0]}"',
                    expected=f"only {', '.join(allowed)}: who may choose the values chooses how many series there are",
                    likely=likely)


def unavailable(t, frontend, path, key):
    """That a sum is answered 503, and nothing worse happens, where neither the cache nor the database has it."""
    t.place.sql("alter table fruits rename to away")
    t.place.redis("DEL", key)
    answer = frontend.get(path)
    t.place.sql("alter table away rename to fruits")
    if answer.status != 503:
        raise Wrong(f"GET {path} answers {answer.status} where neither the cache nor the database can", expected="503",
                    likely="the gauge must not change what is answered")
