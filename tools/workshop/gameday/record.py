"""A round on disk, in the copy's state directory: who plays it, what it broke, what is said to it from other terminals.

    gameday.json     {pid, start} of the process that plays; {fault, note} of what it broke, from before it does until it is mended
    gameday.inbox    one line, such as `answer redis memory-limit`; the player takes it away
    gameday.reply    {status, text}: what the player says to that; to an answer, the debrief
"""

import json
import os
import signal

from ..process import Process
from ..ui import step
from .injecting import undo

PATIENCE = 60  # seconds for a player that was asked to end: rabbitmqctl and a restart take some


class Record:
    def __init__(self, directory):
        self.file, self.inbox, self.reply = (directory / f"gameday.{end}" for end in ("json", "inbox", "reply"))

    def read(self):
        return _json(self.file)

    def write(self, **more):
        own = Process.of(os.getpid())
        _put(self.file, json.dumps({"pid": own.pid, "start": own.start, **more}))

    def forget(self):
        self.file.unlink(missing_ok=True)
        self.inbox.unlink(missing_ok=True)

    @property
    def player(self):
        """The process that plays a round now, or None."""
        found = self.read()
        process = Process(found["pid"], found["start"]) if found else None
        return process if process and process.alive else None

    # From one terminal to the other.

    def tell(self, line):
        self.reply.unlink(missing_ok=True)
        _put(self.inbox, line)

    def heard(self):
        """The line, once; None where there is none."""
        try:
            line = self.inbox.read_text()
            self.inbox.unlink()
            return line
        except FileNotFoundError:
            return None

    def put_reply(self, status, text):
        _put(self.reply, json.dumps({"status": status, "text": text}))

    def read_reply(self):
        return _json(self.reply)


def interrupt(directory):
    """Ends a round that is being played, which mends what it broke. Before the lock is taken: the player needs it."""
    player = Record(directory).player
    if player:
        step("ending the game day")
        player.signal(signal.SIGTERM)
        player.wait(PATIENCE)


def put_back(stack):
    """Mends what a round broke whose process is gone. Call it with the lock held."""
    record = Record(stack.dir)
    left = record.read()
    if left is None or record.player:
        return
    if left.get("fault"):
        step("mending what a game day that was cut off had broken")
        undo(left["fault"], stack, left["note"])
    record.forget()


def _json(file):
    try:
        content = json.loads(file.read_text())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def _put(file, text):
    fresh = file.with_name(file.name + ".new")
    fresh.write_text(text)
    fresh.replace(file)
