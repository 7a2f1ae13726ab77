"""traffic as a test runs it, and a target that counts, stalls, fails and vanishes at will."""

import asyncio
import collections
import json
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request

from program import BIN, SANITIZERS, free_port

PROGRAM = BIN / "traffic"
FRUITS = {"apples", "oranges", "bananas", "grapes", "pears"}

Request = collections.namedtuple("Request", "method target headers body")


class Target:
    """Answers every request with `status`, `delay` seconds later; keeps what it saw."""

    def __init__(self, port=0):
        self.seen, self.status, self.delay, self.hang, self.body = [], 200, 0, False, b"ok"
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.connections = set()
        self.server = self._call(asyncio.start_server(self._serve, "127.0.0.1", port, backlog=1024))
        self.port = self.server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(10)

    def stall(self, seconds):
        """Stops everything, as a garbage collector or SIGSTOP does."""
        self.loop.call_soon_threadsafe(time.sleep, seconds)

    def count(self, method, path):
        return sum(r.method == method and r.target.split("?")[0] == path for r in self.seen)

    async def _serve(self, reader, writer):
        self.connections.add(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                method, target, _ = head[0].split(" ")
                headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                self.seen.append(Request(method, target, headers, body))
                if self.delay:
                    await asyncio.sleep(self.delay)
                if self.hang:
                    await asyncio.sleep(3600)
                writer.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%b" % (self.status, len(self.body), self.body))
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            writer.close()

    def close(self):
        """Vanishes; a second time changes nothing."""
        if self.loop.is_closed():
            return

        async def end():
            self.server.close()
            for writer in self.connections:
                writer.transport.abort()
            tasks = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        self._call(end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()


def command(*args):
    return [str(PROGRAM), "--listen", "127.0.0.1:0", *map(str, args)]


def run(*args, timeout=60, env=None):
    return subprocess.run(command(*args), capture_output=True, text=True, timeout=timeout, env=SANITIZERS | (env or {}))


def summary(*args, exit_code=0, **more):
    """Runs to the end; the JSON summary's one scenario."""
    done = run("--json", "-", *args, **more)
    assert done.returncode == exit_code, done.stderr
    whole = json.loads(done.stdout)
    (scenario,) = whole["scenarios"]
    scenario["by_endpoint"] = {(e["method"], e["path"]): e for e in scenario["endpoints"]}
    return scenario


class Running:
    """traffic in the background, with a known port for its metrics."""

    def __init__(self, *args, **more):
        self.port = free_port()
        argv = [str(PROGRAM), "--listen", f"127.0.0.1:{self.port}", *map(str, args)]
        self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=SANITIZERS,
                                        **({"stderr": subprocess.PIPE} | more))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdout, self.process.stderr):
            if stream:
                stream.close()

    def get(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return None, ""

    def end(self, number=signal.SIGINT, timeout=15):
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=timeout)
        return self.process.returncode, out, err
