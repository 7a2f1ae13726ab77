"""Does the metrics library work for a program outside this tree?

    check_install.py SOURCE_DIR [BUILD_DIR]

Builds and installs common/metrics by itself, static and shared, and out of BUILD_DIR the component
that the whole tree installs. Each copy needs nothing but libc, its headers stand on their own, and
against it the examples are built from a copy elsewhere, with pkg-config and with find_package, and
run for real.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from installed_examples import check_examples

NEEDED = {"libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}
STRICT = ["-std=gnu11", "-Wall", "-Wextra", "-Werror"]


def run(*command, **more):
    done = subprocess.run([str(c) for c in command], text=True, capture_output=True, **more)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def install_alone(source, work, name, shared):
    build, prefix = work / f"{name}-build", work / name
    run("cmake", "-G", "Ninja", "-S", source / "common/metrics", "-B", build, f"-DBUILD_SHARED_LIBS={shared}")
    run("cmake", "--build", build)
    run("cmake", "--install", build, "--prefix", prefix)
    return prefix


def compilers():
    return filter(shutil.which, ["gcc", "clang"])


def package_flags(lib, *packages):
    path = f"{lib / 'pkgconfig'}:{os.environ.get('PKG_CONFIG_PATH', '')}"
    return run("pkg-config", "--cflags", "--libs", *packages, env={**os.environ, "PKG_CONFIG_PATH": path}).split()


def check_needs(prefix):
    """Of the shared library: no libuv, nor any other."""
    for library in prefix.rglob("*.so"):
        needed = set(re.findall(r"NEEDED.*\[(.*)\]", run("readelf", "-d", library)))
        if not needed or needed - NEEDED:
            sys.exit(f"{library} needs {needed}")


def check_headers(prefix, lib):
    """Each can be the first that a program includes."""
    headers = sorted((prefix / "include/workshop").rglob("*.h"))
    if not headers:
        sys.exit(f"{prefix} has no headers")
    flags = [flag for flag in package_flags(lib, "workshop_metrics") if flag.startswith("-I")]
    for compiler in compilers():
        for header in headers:
            run(compiler, *STRICT, "-fsyntax-only", "-include", header, "-xc", "/dev/null", *flags)


def check_with_pkg_config(examples, directory, lib, compiler):
    directory.mkdir()
    for source in examples.glob("*.c"):
        packages = ["workshop_metrics"] + ["libuv"] * (source.stem == "metrics_libuv")
        run(compiler, *STRICT, source, *package_flags(lib, *packages), "-o", directory / source.stem)
    check_examples(directory, {**os.environ, "LD_LIBRARY_PATH": str(lib)})


def check_with_cmake(examples, directory, prefix):
    run("cmake", "-G", "Ninja", "-S", examples, "-B", directory, f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", directory)
    check_examples(directory, os.environ)


def check(source, prefix, work):
    lib = next(prefix.rglob("workshop_metrics.pc")).parent.parent
    check_needs(prefix)
    check_headers(prefix, lib)
    project = work / f"{prefix.name}-project"
    shutil.copytree(source / "examples", project)
    for compiler in compilers():
        check_with_pkg_config(project, work / f"{prefix.name}-{compiler}", lib, compiler)
    check_with_cmake(project, work / f"{prefix.name}-cmake", prefix)


def main(source, build=None):
    source = pathlib.Path(source).resolve()
    with tempfile.TemporaryDirectory() as name:
        work = pathlib.Path(name)
        prefixes = [install_alone(source, work, "static", "OFF"),
                    install_alone(source, work, "shared", "ON")]
        if build:
            run("cmake", "--install", build, "--prefix", work / "tree", "--component", "metrics")
            prefixes.append(work / "tree")
        for prefix in prefixes:
            check(source, prefix, work)


main(*sys.argv[1:])
