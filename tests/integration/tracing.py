"""Traceparents, and what the programs make of them."""

import re

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
FORM = re.compile("00-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-0[01]")


def is_continued(theirs, ours):
    """Whether it is the same trace, with the same flags, and a span of its own."""
    _, trace, span, flags = theirs.split("-")[:4]
    mine = ours.split("-")
    return FORM.fullmatch(ours) and mine[1] == trace and mine[2] != span and mine[3] == flags
