"""The images that docker-compose.yml names, made here, since no registry is asked: Debian by debootstrap, our own from the
unaltered Dockerfile, the servers from Debian's packages (standins/). Only LEFT_OUT have no package to be made of."""

import subprocess
from pathlib import Path

import composefile

ROOT = Path(__file__).resolve().parents[2]
BASE = "debian:trixie-slim"
MIRROR = "http://deb.debian.org/debian"
LEFT_OUT = ("grafana", "loki", "alloy")  # not packaged by Debian
# As Debian's image has it: no lists and archives are kept, no documents and translations unpacked.
SLIM = {"etc/apt/apt.conf.d/docker-clean": 'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin"; };\n'
                                           'Dir::Cache::pkgcache ""; Dir::Cache::srcpkgcache "";\n',
        "etc/dpkg/dpkg.cfg.d/docker": "path-exclude /usr/share/doc/*\npath-exclude /usr/share/man/*\n"
                                      "path-exclude /usr/share/locale/*\npath-exclude /usr/share/info/*\n"}
CUT = ("var/cache/apt/*", "var/lib/apt/lists/*", "usr/share/doc/*", "usr/share/man/*", "usr/share/locale/*", "usr/share/info/*",
       "var/log/*")


def make_all(engine, scratch):
    """Builds what is missing. With what an earlier run left, a few seconds; without, some minutes."""
    make_base(engine, scratch)
    services = composefile.load()["services"]
    ours = {service["build"]["target"]: service["image"] for service in services.values() if "build" in service}
    for target, image in {"toolchain": "cached-toolchain", "build": "cached-build", **ours}.items():
        build(engine, target, image, ROOT)
    for name in stood_in(services):
        build(engine, name, services[name]["image"], ROOT / "tests/compose/standins")
    engine.docker("image", "prune", "-f")  # what earlier sources were made into


def build(engine, target, image, context):
    """With the machine's network, so that apt finds the mirror whatever the engine does to its own."""
    engine.docker("build", "--network", "host", "--target", target, "-t", image, context)


def stood_in(services):
    return [name for name, service in services.items() if "build" not in service and name not in LEFT_OUT]


def make_base(engine, scratch):
    """debian:trixie-slim, about as Debian's own."""
    if engine.docker("image", "inspect", BASE, check=False).returncode == 0:
        return
    tree = scratch / "trixie"
    subprocess.run(["debootstrap", "--variant=minbase", "trixie", tree, MIRROR], check=True, stdout=subprocess.DEVNULL)
    for name, text in SLIM.items():
        (tree / name).write_text(text)
    excluded = [f"--exclude=./{pattern}" for pattern in CUT]
    with subprocess.Popen(["tar", "-C", tree, "-c", *excluded, "."], stdout=subprocess.PIPE) as packed:
        engine.docker("import", "-", BASE, stdin=packed.stdout)
    subprocess.run(["rm", "-rf", "--one-file-system", tree], check=True)
