"""Does the metrics library work for a program outside this tree?

    check_install.py SOURCE_DIR [BUILD_DIR]

Builds and installs common/metrics by itself, static and shared, and out of BUILD_DIR the component
that the whole tree installs. Against each, examples/metrics_hello.c is built from a copy elsewhere,
with pkg-config and with find_package, and its exposition must show its own metrics and those that
the library registers itself in constructors, which a linker would love to drop.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

EXPECTED = ["greetings_total 2", 'guests{room="kitchen"} 2', "greeting_length_bytes_count 2",
            'greeting_seconds_count{language="en",tone="kind"} 2', 'metrics_errors_total{reason="negative"} 0',
            "process_open_fds ", 'hello_build_info{version="1.0"']

PROJECT = """cmake_minimum_required(VERSION 3.22)
project(hello C)
find_package(workshop_metrics 0.1 REQUIRED)
add_executable(hello metrics_hello.c)
target_link_libraries(hello PRIVATE workshop::metrics)
"""


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


def check_page(program, prefix, lib):
    page = run(program, env={**os.environ, "LD_LIBRARY_PATH": str(lib)})
    for line in EXPECTED:
        if f"\n{line}" not in page:
            sys.exit(f"{prefix}: no line begins with {line!r} in\n{page}")


def check_pkg_config(prefix, project, lib, compiler):
    flags = run("pkg-config", "--cflags", "--libs", "workshop_metrics",
                env={**os.environ, "PKG_CONFIG_PATH": str(lib / "pkgconfig")}).split()
    program = project / f"hello-{compiler}"
    run(compiler, "-Wall", "-Wextra", "-Werror", project / "metrics_hello.c", *flags, "-o", program)
    check_page(program, prefix, lib)


def check_find_package(prefix, project, lib):
    build = project / "build"
    run("cmake", "-G", "Ninja", "-S", project, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", build)
    check_page(build / "hello", prefix, lib)


def check(source, prefix, work):
    project = work / f"{prefix.name}-project"
    project.mkdir()
    shutil.copy(source / "examples/metrics_hello.c", project)
    (project / "CMakeLists.txt").write_text(PROJECT)
    lib = next(prefix.rglob("workshop_metrics.pc")).parent.parent
    for compiler in filter(shutil.which, ["gcc", "clang"]):
        check_pkg_config(prefix, project, lib, compiler)
    check_find_package(prefix, project, lib)


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
