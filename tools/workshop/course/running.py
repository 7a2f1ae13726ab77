"""A program under check: requests to it, its page of metrics, its end. What goes wrong becomes a Wrong in plain words."""

import http.client
import json
import re
import signal
import subprocess
import time
from pathlib import Path

from .. import ports
from .exposition import Garbage, parse
from .report import Wrong
from .tree import NAME

ANSWER_S = 5   # a request that takes longer hangs
START_S = 10
TYPE = "text/plain"
ROOT = Path(__file__).resolve().parents[3]
SHOWN = re.compile(rf"[^\s\"]*\binclude/{NAME}_\w+/")
DECLARED = {  # what to say to a complaint about a declaration, by the file that it stands in
    "c": "that declaration is wrong; the program says so before it does anything else",
    "h": "a declaration in a header is made anew in each file that includes it: move it into one .c file",
}


class Answer:
    def __init__(self, status, body, headers, seconds):
        self.status, self.body, self.headers, self.seconds = status, body, headers, seconds

    def json(self):
        return json.loads(self.body)


class Running:
    def __init__(self, name, argv, log, environment, port, tree=None):
        self.name, self.port, self.log, self.where = name, port, log, tree
        log.parent.mkdir(parents=True, exist_ok=True)
        argv = ["setpriv", "--pdeathsig", "TERM", "--", *map(str, argv)]  # it ends with the check, however that ends
        with open(log, "wb") as out:
            self._popen = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment,
                                           start_new_session=True)

    @property
    def url(self):
        return f"http://{ports.HOST}:{self.port}"

    @property
    def pid(self):
        return self._popen.pid

    @property
    def alive(self):
        return self._popen.poll() is None

    def log_text(self):
        return self.log.read_text(errors="replace")

    # Requests.

    def get(self, path, **headers):
        return self.request("GET", path, headers=headers)

    def post(self, path, content, **headers):
        """JSON, unless bytes are given. Header names with underscores for dashes."""
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
        return self.request("POST", path, raw, {"Content-Type": "application/json"} | headers)

    def request(self, method, path, body=None, headers=None, timeout=ANSWER_S):
        connection = http.client.HTTPConnection(ports.HOST, self.port, timeout=timeout)
        begin = time.monotonic()
        try:
            connection.request(method, path, body, {key.replace("_", "-"): value for key, value in (headers or {}).items()})
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
        except TimeoutError:
            raise self.hangs(f"does not answer {method} {path} within {timeout} s") from None
        except (OSError, http.client.HTTPException) as error:
            raise self.unreachable(f"{method} {path}", error) from None
        finally:
            connection.close()
        return Answer(answer.status, text, answer.headers, time.monotonic() - begin)

    def page(self):
        """/metrics as it must be, or a Wrong."""
        answer = self.get("/metrics")
        if answer.status != 200:
            raise Wrong(f"{self.name} answers {answer.status} to GET /metrics", expected="200 and the page of metrics",
                        likely=_why(answer.status, self.name))
        kind = answer.headers.get("Content-Type", "")
        if not kind.startswith(TYPE):
            raise Wrong(f"{self.name} sends /metrics as {kind or 'nothing'}", expected=f"{TYPE}; version=0.0.4",
                        likely="Prometheus reads the Content-Type; http_metrics sends the right one")
        try:
            return parse(answer.body)
        except Garbage as garbage:
            raise Wrong(f"{self.name}'s /metrics is garbage to Prometheus: {garbage}",
                        expected="lines such as hello_total 3, with # HELP and # TYPE before them",
                        likely="http_metrics writes the whole page; nothing has to be printed by hand") from None

    # Starting and ending.

    def wait_ready(self, ready, seconds=START_S):
        """Until `ready()`; a Wrong where it ends before, or takes too long."""
        end = time.monotonic() + seconds
        while not ready():
            if not self.alive:
                raise self.crashed("while it started")
            if time.monotonic() > end:
                raise self.hangs(f"is not ready {seconds} s after its start")
            time.sleep(0.02)
        return self

    def end(self, seconds=5):
        """SIGTERM; SIGKILL where that does not help. The exit status."""
        if self.alive:
            self._popen.terminate()
            try:
                self._popen.wait(seconds)
            except subprocess.TimeoutExpired:
                self._popen.kill()
        return self._popen.wait()

    # Words.

    def unreachable(self, what, error):
        end = time.monotonic() + 0.5  # one that crashes resets the connection a little before it has ended
        while self.alive and time.monotonic() < end:
            time.sleep(0.01)
        if not self.alive:
            return self.crashed(f"on {what}")
        return Wrong(f"nothing answers {what} on the port that LISTEN names: {error}",
                     expected=f"{self.name} to listen on settings.listen",
                     likely="is the server started, and its address taken from app->settings.listen?")

    def crashed(self, when):
        status = self._popen.wait()
        declared = re.search(r'\.(?P<kind>[ch]):\d+: metric "', self.log_text())
        how = f"crashed ({signal.Signals(-status).name})" if status < 0 else f"ended with exit status {status}"
        return Wrong(f"{self.name} {how} {when}", shown=self.last_words(), expected="a program that keeps running",
                     likely=DECLARED[declared["kind"]] if declared else f"its whole log: {self.log}")

    def hangs(self, what):
        return Wrong(f"{self.name} {what}", expected="an answer within milliseconds", shown=self.last_words(),
                     likely="its last line may say what it waits for; else a handler that waits, sleeps or loops holds up "
                            "the whole program: does each answer once?")

    def last_words(self):
        lines = [line for line in self.log_text().splitlines() if line.strip()]
        return "its last line: " + _in_mine(_plain(lines[-1])) if lines else "it said nothing"


def _in_mine(line):
    """With the names by which the student knows the files: their headers are compiled through a link below build/."""
    return SHOWN.sub(f"{NAME}/", line).replace(f"{ROOT}/", "")


def _plain(line):
    """A line of the log for people, where it is one of JSON."""
    try:
        fields = json.loads(line)
    except ValueError:
        return line[:300]
    if not isinstance(fields, dict):
        return line[:300]
    rest = " ".join(f"{key}={value}" for key, value in fields.items() if key not in ("time", "level", "service", "message"))
    return f"{str(fields.get('level', '')).upper()} {fields.get('message', '')} {rest}".strip()[:300]


def _why(status, name):
    return {404: f"the route /metrics is not in the table of {name}'s routes, or is spelt otherwise",
            405: "the route takes another method; Prometheus asks with GET"}.get(status)
