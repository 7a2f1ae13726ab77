"""Is every format written as it was when it was last read by a person?

    check_golden.py METRICS_GOLDEN [--write]

METRICS_GOLDEN is the program of metrics_golden.c. Its pages are compared with the files of golden/, protobuf as the
text that Google's library makes of it. They must be readable for others as well, and not depend on the pages before
them. --write makes the files anew: read the difference well.
"""
import difflib
import subprocess
import sys
from pathlib import Path

from google.protobuf import text_format
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families as text_families

import metrics_proto

# By the format's number.
FILES = ["metrics.txt", "metrics.openmetrics.txt", "metrics.textproto"]
READERS = [text_families, openmetrics_families, metrics_proto.families]
PROTOBUF = 2
GOLDEN = Path(__file__).parent / "golden"
EARLIER = "7"


def page(program, form, earlier):
    return subprocess.run([program, str(form), earlier], capture_output=True, check=True).stdout


def as_text(form, stream):
    if form != PROTOBUF:
        return stream.decode()
    return "\n".join(text_format.MessageToString(family, as_utf8=True)
                     for family in metrics_proto.families(stream))


def main(program, *options):
    different = False
    for form, name in enumerate(FILES):
        stream = page(program, form, "0")
        got = as_text(form, stream)
        assert len(list(READERS[form](stream if form == PROTOBUF else got))) > 1
        if options == ("--write",):
            (GOLDEN / name).write_text(got)
        for what, text in ((name, (GOLDEN / name).read_text()),
                           (f"{name} after {EARLIER} others", as_text(form, page(program, form, EARLIER)))):
            difference = "".join(difflib.unified_diff(text.splitlines(True), got.splitlines(True), what, "written now"))
            print(difference, end="")
            different |= bool(difference)
    sys.exit(different)


main(*sys.argv[1:])
