"""exercises/NN-name/ as objects; the top of the package says what such a directory holds."""

import importlib.util
import json
import re
from pathlib import Path

from ..ui import Failure


class Exercise:
    def __init__(self, root, directory):
        self.root, self.directory = Path(root), directory
        self.number = int(directory.name[:2])

    @property
    def text(self):
        return (self.directory / "README.md").read_text()

    @property
    def title(self):
        return self.text.split("\n", 1)[0].lstrip("# ").split(". ", 1)[-1]

    @property
    def hints(self):
        return json.loads((self.directory / "hints.json").read_text())

    @property
    def needs(self):
        """The numbers of the exercises that this one builds on."""
        file = self.directory / "needs.json"
        return json.loads(file.read_text()) if file.exists() else []

    def files(self):
        """{path in mine/: bytes} of what `start` puts there."""
        return _below(self.directory / "files")

    def solution(self):
        """{path in mine/: bytes} of what `solve` puts there besides the marked lines."""
        named = self.directory / "solution.json"
        products = json.loads(named.read_text()) if named.exists() else {}
        return _below(self.directory / "solution") | {path: (self.root / product).read_bytes()
                                                      for path, product in products.items()}

    def check(self, t):
        spec = importlib.util.spec_from_file_location(f"check_{self.number:02}", self.directory / "check.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.check(t)


def _below(directory):
    return {str(path.relative_to(directory)): path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file()}


def exercises(root):
    """{number: Exercise} of those that are there, in order."""
    found = [Exercise(root, path) for path in sorted((Path(root) / "exercises").glob("[0-9][0-9]-*"))
             if (path / "check.py").exists()]
    return {exercise.number: exercise for exercise in found}


def find(root, word):
    """The exercise that the user named. A number with zeros before it, or the directory's name, will do."""
    every = exercises(root)
    match = re.match(r"(\d+)(-|$)", str(word))
    if match and int(match[1]) in every:
        return every[int(match[1])]
    there = f"{min(every)} to {max(every)}" if every else "none"
    raise Failure(f"there is no exercise '{word}'", f"there are {there}: ./workshop exercise lists them", status=2)
