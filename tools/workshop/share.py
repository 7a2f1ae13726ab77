"""`./workshop share --student NAME`: how far a student is, as metrics, for the Prometheus of whoever teaches.

Nothing is sent: a page is exposed, on the address asked for, as long as the command runs. What is on it: the student's name
as given, and of each exercise whether its check passed and how many hints were asked for. No code, no answers.
"""

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .course import catalogue
from .course.progress import Progress
from .course.tree import Tree
from .ui import Failure, say

HOST, PORT = "127.0.0.1", 5090
NAME_LIMIT = 40       # characters
CONNECTIONS = 32      # at the same time
PATIENCE = 10         # seconds that a connection may be silent
TYPE = "text/plain; version=0.0.4; charset=utf-8"
FAMILIES = (
    ("workshop_exercise_passed", "1 where the check of the exercise passed.", lambda progress, number: number in progress.passed),
    ("workshop_exercise_hints", "Hints that were asked for.", lambda progress, number: progress.hints_given(number)),
)


def page(root, student):
    """All exercises are on it from the start, with 0, so that a sum over them has no gaps."""
    progress, every = Progress(Tree(root)), catalogue.exercises(root)
    lines = []
    for name, text, value in FAMILIES:
        lines += [f"# HELP {name} {text}", f"# TYPE {name} gauge"]
        lines += [f'{name}{{student="{_escaped(student)}",exercise="{exercise.directory.name}"}} {int(value(progress, number))}'
                  for number, exercise in every.items()]
    return "\n".join(lines) + "\n"


def _escaped(text):
    return text.replace("\\", "\\\\").replace('"', '\\"')


def student_name(text):
    """As it may stand in a label; Failure where it may not."""
    name = " ".join(text.split())
    if not name or len(name) > NAME_LIMIT or not name.isprintable():
        raise Failure(f"--student: '{text[:NAME_LIMIT]}' is no name of 1 to {NAME_LIMIT} characters", status=2)
    return name


def address(text, offset=0):
    """(host, port) of HOST, HOST:PORT or :PORT. An offset is for who names no port."""
    host, colon, port = text.rpartition(":") if ":" in text else (text, "", str(PORT + offset))
    if not port.isdecimal() or int(port) > 65535 or ":" in host:
        raise Failure(f"--listen: '{text}' is no HOST:PORT", f"such as 0.0.0.0:{PORT}", status=2)
    return host or HOST, int(port)


def share(root, student, listen=HOST, offset=0):
    student, (host, port) = student_name(student), address(listen, offset)
    try:
        server = Server((host, port), _handler(root, student))
    except (OSError, OverflowError) as error:
        raise Failure(f"cannot listen on {host}:{port}: {getattr(error, 'strerror', None) or error}",
                      "--listen HOST:PORT takes another address: one of this computer's, or 0.0.0.0 for all of them") from None
    with server:
        port = server.server_address[1]
        say(f"how far {student} is: http://{_reachable(host)}:{port}/metrics")
        say("only this computer can see it; --listen 0.0.0.0 shows it to the network" if host.startswith("127.")
            else f"whoever teaches puts {_reachable(host)}:{port} into class.txt")
        say("shared are the name, which exercises passed, and the number of hints. Ctrl-C ends it")
        server.serve_forever()


def _reachable(host):
    """The address under which others know this computer, where it listens on all; nothing is sent to find it out."""
    if host not in ("0.0.0.0", "::"):
        return host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return probe.getsockname()[0]
        except OSError:
            return HOST


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = CONNECTIONS

    def __init__(self, *words):
        self.room = threading.BoundedSemaphore(CONNECTIONS)
        super().__init__(*words)

    def process_request(self, request, client_address):
        """A stranger who opens connections without end gets no thread for each."""
        if self.room.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request, client_address):
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.room.release()

    def handle_error(self, request, client_address):
        """Whoever asked has left; that is nobody's concern."""


def _handler(root, student):
    class Handler(BaseHTTPRequestHandler):
        server_version, sys_version, timeout = "workshop", "", PATIENCE

        def do_GET(self):
            found = self.path.split("?")[0] == "/metrics"
            text = page(root, student) if found else "there is /metrics and nothing else\n"
            content = text.encode()
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", TYPE if found else "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_HEAD = do_GET

        def log_message(self, *words):
            pass

    return Handler
