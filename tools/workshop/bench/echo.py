"""Unary gRPC calls: the echo lab beside gRPC's own C++ library, under the same load of h2load."""

from .contestants import GRPC_PEER, EchoLab, GrpcCpp, started
from .figures import alternate, show_contest, show_costs
from .load import h2load_on

NEEDS = (GRPC_PEER,)
CALL = b"\0\0\0\0\x0d\n\x0bHello World"  # flags, length, and an EchoRequest
FIELDS = ("content-type: application/grpc", "te: trailers")
LOADS = {"echo": (8, 32), "echo_serial": (64, 1)}  # name → connections, calls at a time on each


def run(stack, seconds):
    ours, cpp = started(stack, EchoLab, GrpcCpp)
    for name, (connections, streams) in LOADS.items():
        runs = alternate({
            contestant: lambda service=service: h2load_on(service, "/echo.Echo/Echo", seconds, connections, streams,
                                                          CALL, *FIELDS)
            for contestant, service in {"ours": ours, "grpc_cpp": cpp}.items()}, seconds)
        show_contest(name, runs, "calls/s")
        show_costs(name, runs, "cpu", "us/call")
