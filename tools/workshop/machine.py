"""What doctor.py asks of the computer. Nothing here changes anything, and nothing takes longer than a few seconds."""

import functools
import os
import platform
import pwd
import re
import shutil
import socket
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from . import packages, ports
from .docker import Docker
from .stack import Stack, option, running_copies
from .uplot import Library

MIRROR = "http://deb.debian.org/debian/"
NETWORK_S = 3
OLDEST = {"debian": 12, "ubuntu": 24.04}


class Machine:
    def __init__(self, root, port_offset=0):
        self.root, self.port_offset = Path(root), port_offset
        self.stack = Stack(root, port_offset=port_offset)
        self.docker = Docker(self.root, port_offset)

    def command(self, word):
        return f"./workshop {word}{option(self.port_offset) if word == 'up' else ''}"

    # The system.

    @functools.cached_property
    def release(self):
        try:
            lines = Path("/etc/os-release").read_text().splitlines()
        except OSError:
            return {}
        return {key: value.strip('"') for key, _, value in (line.partition("=") for line in lines if "=" in line)}

    @property
    def name(self):
        return self.release.get("PRETTY_NAME") or f"{platform.system()} {platform.release()}"

    @property
    def native(self):
        """Whether Debian's packages can serve."""
        kind = self.release.get("ID", "")
        if kind not in OLDEST:
            kind = next((like for like in self.release.get("ID_LIKE", "").split() if like in OLDEST), "")
            return bool(kind and shutil.which("dpkg-query"))
        version = re.match(r"\d+(\.\d+)?", self.release.get("VERSION_ID", ""))
        return not version or float(version[0]) >= OLDEST[kind]  # Debian's testing has no number

    @property
    def processor(self):
        return platform.machine()

    @property
    def processors(self):
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

    @property
    def windows_drive(self):
        return bool(re.match(r"/mnt/[a-z]/", f"{self.root}/")) and "microsoft" in platform.release().lower()

    @property
    def memory(self):
        """Bytes that could be given to programs; None where that is not known."""
        try:
            found = re.search(r"^MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text(), re.M)
        except OSError:
            return None
        return int(found[1]) * 1024 if found else None

    @property
    def disk_free(self):
        return shutil.disk_usage(self.root).free

    @property
    def user(self):
        return pwd.getpwuid(os.geteuid()).pw_name

    def which(self, name):
        return shutil.which(name)

    def foreign_state(self):
        """Whose .workshop/ is, where that is somebody else whose files this user cannot write."""
        directory = self.root / ".workshop"
        if not directory.exists() or os.access(directory, os.W_OK):
            return None
        return pwd.getpwuid(directory.stat().st_uid).pw_name

    # Packages and images.

    @functools.cached_property
    def _missing(self):
        return packages.missing(packages.RUN)

    def missing_packages(self):
        return self._missing

    @property
    def may_install(self):
        return os.geteuid() == 0 or bool(shutil.which("sudo"))

    @property
    def mirror(self):
        """The first that apt asks."""
        for file in (Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))):
            try:
                found = re.search(r"^(?:deb\s+(?:\[[^]]*\]\s+)?|URIs:\s*)(https?://\S+)", file.read_text(), re.M)
            except (OSError, UnicodeDecodeError):
                continue
            if found:
                return found[1]
        return MIRROR

    def unreachable(self, url):
        """Why it does not answer, in a few words; None where it does, whatever it says. Proxies of the environment are used."""
        try:
            urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=NETWORK_S).close()
        except urllib.error.HTTPError:
            return None
        except socket.timeout:
            return f"no answer within {NETWORK_S} s"
        except OSError as error:
            return str(getattr(error, "reason", error))
        return None

    @functools.cached_property
    def _docker_problem(self):
        refusal = self.docker.refusal()
        return refusal.message if refusal else None

    def docker_problem(self):
        return self._docker_problem

    def missing_images(self):
        images = {service["image"] for service in self.docker.services.values()}
        return sorted(image for image in images if not self.docker._has(image))

    @property
    def charts_cached(self):
        return (Library(self.root / ".workshop/cache").dir / "uplot.js").exists()

    # What runs.

    @functools.cached_property
    def running(self):
        """Whether this copy runs, natively or in containers."""
        return self.docker.runs or any(service.running for service in self.stack.services.values())

    def running_copies(self):
        return running_copies(self.root)

    def taken_ports(self):
        """[(component, port, who has it)]; not those of this copy itself."""
        return [] if self.docker.runs else self.stack.taken_ports(self.stack.services[name] for name in self.stack.usual)

    def free_offset(self):
        return ports.suggested_offset()
