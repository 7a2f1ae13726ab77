"""The C code of a document compiles: all its ```c blocks, put together, are one file.

    check_snippets.py DOCUMENT INCLUDE_DIR COMPILER
"""
import re
import subprocess
import sys

FLAGS = ["-std=gnu11", "-D_GNU_SOURCE", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wno-unused-function",
         "-Wno-unused-variable", "-Wno-missing-field-initializers", "-xc", "-"]


def main(document, include, compiler):
    with open(document, encoding="utf-8") as file:
        code = "\n".join(re.findall(r"^```c\n(.*?)^```$", file.read(), re.M | re.S))
    if not code:
        sys.exit(f"{document} has no code")
    done = subprocess.run([compiler, f"-I{include}", *FLAGS], input=code, text=True, capture_output=True)
    sys.exit(done.stderr if done.returncode else 0)


main(*sys.argv[1:])
