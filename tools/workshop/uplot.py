"""uPlot, which draws the board's charts (MIT licence, https://github.com/leeoniya/uPlot): fetched once, then cached.

No source of another project is kept in the tree, so the package comes from npm's registry; its version and its SHA-512
are pinned here. The cache lies in .workshop/cache of the tree, so that all port offsets use one copy, the licence
beside it. Without a network everything else works, and the board says what is missing.
"""

import contextlib
import hashlib
import io
import os
import shutil
import tarfile
import tempfile
import threading
import urllib.request
from pathlib import Path

VERSION = "1.6.32"
URL = f"https://registry.npmjs.org/uplot/-/uplot-{VERSION}.tgz"
SHA512 = ("2883159c6ebccefbb95d751b0b82d010f9e1c0ec41b8bc96d401eda66e882935"
          "c89a46cb824332fa369b8cb8122cc6ac36e186cd09bf7a9ded3a4c93c6989023")
CACHE = ".workshop/cache"  # in the tree
SIZE_LIMIT = 4 << 20  # bytes of the package; it has 164 kB
TIMEOUT = 10

# The name under which the board serves it → its path in the package.
FILES = {"uplot.js": "package/dist/uPlot.esm.js", "uplot.css": "package/dist/uPlot.min.css",
         "uplot-license.txt": "package/LICENSE"}


class Unavailable(Exception):
    """One sentence for the reader of the board."""


class Library:
    def __init__(self, cache, url=URL):
        self.dir, self.url = Path(cache) / f"uplot-{VERSION}", url
        self.lock = threading.Lock()

    @property
    def here(self):
        return all((self.dir / name).exists() for name in FILES)

    def file(self, name):
        """The content of one of FILES, fetched first where the cache has none; Unavailable where that fails."""
        with self.lock:
            if not self.here:
                self._fetch()
            return (self.dir / name).read_bytes()

    def fetch_early(self):
        """At the start, so that a laptop that loses its network later has it."""
        try:
            self.file("uplot.js")
        except Unavailable as reason:
            print(reason, flush=True)

    def _fetch(self):
        try:
            with urllib.request.urlopen(self.url, timeout=TIMEOUT) as answer:
                package = answer.read(SIZE_LIMIT)
        except OSError as error:
            raise Unavailable(f"uPlot, which draws the charts, could not be fetched from {self.url} "
                              f"({getattr(error, 'reason', error)}): connect to the network and reload the page, "
                              f"or put its files into {self.dir}") from None
        self._unpack(package)

    def _unpack(self, package):
        found = hashlib.sha512(package).hexdigest()
        if found != SHA512:
            raise Unavailable(f"what {self.url} gave is not uPlot {VERSION}: its SHA-512 begins with {found[:12]}, "
                              f"not with {SHA512[:12]}; nothing of it was used")
        self.dir.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=self.dir.parent, prefix="uplot-"))
        with tarfile.open(fileobj=io.BytesIO(package)) as archive:
            for name, path in FILES.items():
                (fresh / name).write_bytes(archive.extractfile(path).read())
        fresh.chmod(0o755)
        with contextlib.suppress(OSError):  # another board was first
            os.rename(fresh, self.dir)
        shutil.rmtree(fresh, ignore_errors=True)
