"""CMake: configures and builds a preset, showing how far it is."""

import fcntl
import os
import re
import shutil
import subprocess
from pathlib import Path

from .ui import Failure, LiveLine, step

PROGRESS = re.compile(r"\[\d+/\d+\]")  # how Ninja's lines begin
COMPLAINT = 6000  # characters of what the compiler says
TOOLS = ((("cmake",), "cmake"), (("ninja",), "ninja-build"), (("cc", "gcc", "clang"), "gcc"))


def build(root, preset, *targets, patience=0.0):
    """Builds the preset, or only the targets named, into build/PRESET. One build of a tree at a time; the compiler's complaints are
    shown whole."""
    directory = Path(root) / "build" / preset
    if not (Path(root) / "CMakeLists.txt").exists():
        raise Failure(f"there is no CMakeLists.txt in {root}", "run ./workshop from a complete checkout")
    _refuse_missing_tools()
    directory.mkdir(parents=True, exist_ok=True)
    with open(directory / ".workshop-lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _must_configure(root, directory):
            step(f"configuring {preset}")
            _run(root, ["cmake", "--preset", preset])
        _run(root, ["cmake", "--build", "--preset", preset, *(["--target", *targets] if targets else [])], patience)


def _refuse_missing_tools():
    """The packages are installed by now, but a PATH may lack their directory, or a file may have been deleted."""
    for names, package in TOOLS:
        if not any(map(shutil.which, names)) and not (package == "gcc" and os.environ.get("CC")):
            raise Failure(f"there is no {' or '.join(names)} in PATH, although the package {package} is installed",
                          f"add /usr/bin to PATH, or sudo apt-get install --reinstall {package}")


def _must_configure(root, directory):
    """Ninja notices a changed CMakeLists.txt by itself, but not changed presets."""
    made = directory / "build.ninja"
    return not made.exists() or made.stat().st_mtime < (Path(root) / "CMakePresets.json").stat().st_mtime


def _run(root, argv, patience=0.0):
    line, output = LiveLine(patience), []
    # In English whatever the user's language, for course/compiling.py explains what the compiler says.
    process = subprocess.Popen(argv, cwd=root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True,
                               env=os.environ | {"NINJA_STATUS": "[%f/%t] ", "LC_ALL": "C.UTF-8"})
    try:
        for text in process.stdout:
            output.append(text)
            if PROGRESS.match(text):
                line.show("building " + text.strip())
        process.wait()
    except KeyboardInterrupt:
        process.terminate()  # ninja removes what is half made
        process.wait()
        raise
    finally:
        line.clear()
    if process.returncode:
        complaint = _told("".join(text for text in output if not PROGRESS.match(text)))
        raise Failure(f"'{' '.join(argv)}' failed:\n{complaint}", "mend the error above, then try again")


def _told(complaint):
    """Of a long one what begins at the first error, for all others follow from that; its end where none is found."""
    if len(complaint) <= COMPLAINT:
        return complaint.rstrip()
    first = re.search(r"^.*(?:error: |undefined reference|multiple definition)", complaint, re.M)
    begin = min(first.start(), len(complaint) - COMPLAINT) if first else -COMPLAINT
    return complaint[begin:][:COMPLAINT].rstrip()
