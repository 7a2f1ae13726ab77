"""Keeps the logs of a running workshop bounded: `python3 -m workshop.logkeeper DIRECTORY LIMIT`.

Services append to files that they never open again, so a file that grew too long is copied to NAME.log.1 and cut
to nothing. The few lines written between the two are lost: logs are for reading, not for counting.
"""

import os
import shutil
import sys
import time
from pathlib import Path

EVERY = 5.0  # seconds


def keep(directory, limit):
    for log in Path(directory).glob("*.log"):
        if log.stat().st_size > limit:
            shutil.copyfile(log, f"{log}.1")
            os.truncate(log, 0)


def main():
    directory, limit = sys.argv[1], int(sys.argv[2])
    while Path(directory).is_dir():
        try:
            keep(directory, limit)
        except OSError as error:
            print(error, flush=True)  # a full disk passes; the next round tries again
        time.sleep(EVERY)


if __name__ == "__main__":
    main()
