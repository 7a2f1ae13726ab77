"""How much of the faults a run tries: a short form for every day, a long one for certainty."""

import os
import random

LONG = os.environ.get("WORKSHOP_FAULTS") == "long"
# Set for pytest's workers, too, which are started after this was read.
SEED = int(os.environ.setdefault("WORKSHOP_FAULTS_SEED", str(random.SystemRandom().randrange(1 << 32))))


def pick(short, long):
    return long if LONG else short


def dice(name):
    """Random numbers that depend on the seed and on who asks, not on which tests ran before."""
    return random.Random(f"{SEED} {name}")
