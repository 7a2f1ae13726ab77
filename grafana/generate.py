"""Writes dashboards/UID.json for every page of pages/. `./workshop dashboards` runs it, and checks what it made."""

import importlib
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True


def pages():
    """uid → dashboard, of all files in pages/."""
    made = [importlib.import_module(f"pages.{source.stem}").PAGE for source in sorted((HERE / "pages").glob("*.py"))]
    return {page["uid"]: page for page in made}


def text(page):
    return json.dumps(page, indent=2, ensure_ascii=False) + "\n"


def main():
    for uid, page in pages().items():
        (HERE / "dashboards" / f"{uid}.json").write_text(text(page))
        print(f"dashboards/{uid}.json")


if __name__ == "__main__":
    main()
