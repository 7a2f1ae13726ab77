"""Grafana's dashboards as files: the list of them, and one by its uid. Read anew each time: an edit shows at once."""

import json

SIZE_LIMIT = 4 << 20  # bytes of a file
FIRST = ("overview",)  # then by title


class Broken(Exception):
    """One sentence that names the file and what is wrong with it."""


def listing(*directories, hidden=()):
    """{"dashboards": [{uid, title, description}], "broken": [sentence]}, the overview first. `hidden` are names in the first
    directory that are left out."""
    good, broken = _all(directories, hidden)
    rows = [{"uid": uid, "title": board["title"], "description": board.get("description") or ""}
            for uid, (_, board) in good.items()]
    return {"dashboards": sorted(rows, key=lambda row: (row["uid"] not in FIRST, row["title"].lower())),
            "broken": list(broken.values())}


def find(uid, *directories, hidden=()):
    """The dashboard; Broken where its file is, LookupError where there is none."""
    good, broken = _all(directories, hidden)
    if uid in good:
        return good[uid][1]
    if uid in broken:
        raise Broken(broken[uid])
    if uid in hidden:
        raise LookupError(f"the dashboard '{uid}' belongs to exercise {hidden[uid]}, and appears when that has passed")
    raise LookupError(f"there is no dashboard '{uid}' in {directories[0].name}/; there are: {', '.join(good) or 'none'}")


def _all(directories, hidden=()):
    """(uid → (file, dashboard), file's stem → sentence). One of a later directory takes the place of an earlier one's."""
    good, broken = {}, {}
    for path in [path for directory in directories for path in sorted(directory.glob("*.json"))
                 if directory is not directories[0] or path.stem not in hidden]:
        try:
            board = _read(path)
            other = good.get(board["uid"])
            if other and other[0].parent == path.parent:
                raise Broken(f"{path.name}: its uid '{board['uid']}' is that of {other[0].name} too")
            good[board["uid"]] = path, board
        except Broken as sentence:
            broken[path.stem] = str(sentence)
    return good, broken


def _read(path):
    try:
        if path.stat().st_size > SIZE_LIMIT:
            raise Broken(f"{path.name} has more than {SIZE_LIMIT >> 20} MB")
        board = json.loads(path.read_text())
    except json.JSONDecodeError as error:
        raise Broken(f"{path.name}, line {error.lineno}, column {error.colno}: {error.msg}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise Broken(f"{path.name} cannot be read: {error}") from None
    return _checked(path, board)


def _checked(path, board):
    if not isinstance(board, dict):
        raise Broken(f"{path.name} holds no dashboard, which is an object")
    board["uid"] = board.get("uid") or path.stem
    for key, kind, what in (("uid", str, "a text"), ("title", str, "a text"), ("panels", list, "a list")):
        if not isinstance(board.get(key), kind):
            raise Broken(f"{path.name}: its '{key}' is not {what}")
    if not all(isinstance(panel, dict) for panel in board["panels"]):
        raise Broken(f"{path.name}: one of its panels is no object")
    return board
