"""Redis as a private instance."""

import socket

from .ports import HOST
from .service import Service


class Redis(Service):
    """A cache: what it holds is never worth a write to disk."""

    name = "redis"

    @property
    def url(self):
        return f"redis://{HOST}:{self.port}/0"

    def command(self):
        return ["redis-server", "--bind", HOST, "--port", self.port, "--save", "", "--appendonly", "no",
                "--dir", self.data, "--maxmemory", "256mb", "--maxmemory-policy", "allkeys-lru"]

    def ready(self):
        try:
            with socket.create_connection((HOST, self.port), 1) as peer:
                peer.sendall(b"PING\r\n")
                return peer.recv(5) == b"+PONG"
        except OSError:
            return False
