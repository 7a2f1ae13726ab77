"""`python3 -m workshop`: what the ./workshop stub runs."""

import sys

from .cli import main

sys.exit(main(sys.argv[1:]))
