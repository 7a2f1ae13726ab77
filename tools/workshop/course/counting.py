"""What PromQL must answer, found without it: counters of several programs over a list of pages, one {instance: Page} a step.

A counter that fell has begun at 0 again, for its program was restarted.
"""


def grown(pages, name, **labels):
    """By how much the series of that name and those labels have grown, added up."""
    return sum(_increment(before[instance].value(name, **sample.labels) or 0, sample.value)
               for before, after in zip(pages, pages[1:]) for instance in after.keys() & before.keys()
               for sample in after[instance].samples(name, **labels))


def _increment(before, after):
    return after - before if after >= before else after


def per_second(pages, seconds, name, **labels):
    return grown(pages, name, **labels) / seconds


def quantile(pages, share, histogram, **labels):
    """As histogram_quantile does it: by a straight line within the bucket."""
    edges = sorted({float(found["le"]): found["le"] for page in pages[-1].values()
                    for found in page.labels(histogram + "_bucket")}.items())
    counts = [(edge, grown(pages, histogram + "_bucket", le=text, **labels)) for edge, text in edges]
    rank, low, below = share * counts[-1][1], 0.0, 0.0
    for edge, count in counts:
        if count >= rank > 0:
            return low + (edge - low) * (rank - below) / (count - below)
        low, below = edge, count
    return 0.0
