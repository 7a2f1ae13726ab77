"""A port that somebody takes between the look at all of them and a server's start: a sentence, not the server's dump."""

import os
import socket

import pytest

from copy_of_tree import ROOT, form
from workshop import Failure, Stack, free_offset, ports

LOST = {"redis": "redis", "rabbitmq-dist": "rabbitmq", "rabbitmq-metrics": "rabbitmq"}  # port → the server that wants it


@pytest.mark.parametrize("port", LOST if form() == "long" else ["redis"])
def test_a_lost_port_is_named_with_its_holder(tmp_path, port):
    offset = free_offset()
    with Stack(ROOT, tmp_path, port_offset=offset, die_with_parent=True) as stack, socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind((ports.HOST, ports.PORTS[port] + offset))
        other.listen()
        with pytest.raises(Failure) as failure:
            stack.start(LOST[port])
    said = str(failure.value)
    assert said.startswith(f"{LOST[port]} could not start: port {ports.PORTS[port] + offset} ({port}) is taken by "), said
    assert f"(pid {os.getpid()})" in said and "--port-offset" in said and len(said.splitlines()) == 2, said
