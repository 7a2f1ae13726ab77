"""The servers that are measured, as services: ours come from the stack, the others are here."""

import os
import shutil

from .. import build, ports
from ..ports import HOST
from ..service import Service, http_get
from ..ui import Failure, step
from .load import output_of

GO_PEER = "go"
METRICS_PEERS = "metrics peers"
GRPC_PEER = "grpc peer"
PERSON = "person lab"
GO_SOURCES = "/usr/share/gocode"  # where Debian's golang-*-dev packages put what they hold


def binary(stack, name):
    return stack.root / "build" / stack.build / "bin" / name


def make_go_peer(root):
    step("building the Go service")
    _go_build(root, root / "bench/peers/go/main.go", "peer_go")


def make_metrics_peers(root):
    step("building the peers of the metrics library")
    _go_build(root, root / "bench/peers/metrics_go/main.go", "peer_metrics_go")
    output_of(["g++", "-O2", "-std=c++14", root / "bench/peers/metrics_cpp/main.cpp",
               "-o", root / "build/release/bin/peer_metrics_cpp", "-lprometheus-cpp-core", "-pthread"])


def make_grpc_peer(root):
    step("building the gRPC server in C++")
    made = root / "build/release/peer_grpc_cpp"
    made.mkdir(parents=True, exist_ok=True)
    output_of(["protoc", "-I", root / "labs/echo", f"--cpp_out={made}", f"--grpc_out={made}",
               f"--plugin=protoc-gen-grpc={shutil.which('grpc_cpp_plugin')}", root / "labs/echo/echo.proto"])
    output_of(["g++", "-O2", "-std=c++17", "-I", made, root / "bench/peers/grpc_cpp/main.cpp", made / "echo.pb.cc",
               made / "echo.grpc.pb.cc", "-o", root / "build/release/bin/peer_grpc_cpp",
               "-Wl,--copy-dt-needed-entries", "-lgrpc++", "-lprotobuf", "-pthread"])


def _go_build(root, source, name):
    """From Debian's packages alone: no module is downloaded."""
    environment = os.environ | {"GO111MODULE": "off", "GOPATH": GO_SOURCES, "GOFLAGS": "",
                                "GOCACHE": str(root / "build/release/go-cache")}
    output_of(["go", "build", "-o", root / "build/release/bin" / name, source], env=environment)


def make_person(root):
    build.build(root, "release", "person")


MADE_BEFORE = {GO_PEER: make_go_peer, METRICS_PEERS: make_metrics_peers,
               GRPC_PEER: make_grpc_peer, PERSON: make_person}  # what a bench's NEEDS may name besides services


class Contestant(Service):
    """A server with one port, free now, that answers GET /health when it is ready."""

    def __init__(self, stack):
        super().__init__(stack)
        self.port = ports.free_port()

    def ready(self):
        return http_get(self.url + "/health")[0] == 200


class FloorHttp(Contestant):
    name = "floor"

    def command(self):
        return [binary(self.stack, "floor_http"), self.port]


class FloorGateway(Contestant):
    """Answers whatever is asked, a question whether it is ready too, once a message is confirmed."""

    name = "gateway"

    def command(self):
        return [binary(self.stack, "floor_gateway"), self.port, self.stack.rabbitmq.port]


class GoService(Contestant):
    name = "go"

    def command(self):
        return [binary(self.stack, "peer_go"), "-listen", f"{HOST}:{self.port}"]

    def environment(self):
        return self.stack.program_environment()


class EchoLab(Contestant):
    """The echo lab without failures or delays."""

    name = "echo-bench"

    def command(self):
        return [binary(self.stack, "echo"), "--listen", f"{HOST}:{self.port}", "--metrics-listen", f"{HOST}:0"]

    def ready(self):
        return ports.answers(self.port)


class GrpcCpp(EchoLab):
    name = "grpc-cpp"

    def command(self):
        return [binary(self.stack, "peer_grpc_cpp"), f"{HOST}:{self.port}"]


class Nginx(Contestant):
    """One worker, no log, and the answer that the frontend gives."""

    name = "nginx"

    def command(self):
        return [shutil.which("nginx") or "/usr/sbin/nginx", "-p", self.data, "-c", self.data / "nginx.conf", "-e", "stderr"]

    def prepare(self):
        super().prepare()
        user = "user root;" if os.geteuid() == 0 else ""
        (self.data / "nginx.conf").write_text(
            f"daemon off; pid {self.data}/pid; worker_processes 1; error_log stderr; {user}\n"
            "events { worker_connections 4096; }\n"
            "http { access_log off; keepalive_requests 1000000000; default_type text/plain;\n"
            f"  client_body_temp_path {self.data}; proxy_temp_path {self.data}; fastcgi_temp_path {self.data};\n"
            f"  uwsgi_temp_path {self.data}; scgi_temp_path {self.data};\n"
            f"  server {{ listen {HOST}:{self.port} backlog=1024; location / {{ return 200 OK; }} }} }}\n")


def started(stack, *kinds):
    """One of each kind, running and ready; they end with the stack."""
    made = [stack._add(kind(stack)) for kind in kinds]
    for service in made:
        service.start()
    return [service.wait_ready() for service in made]


def psql(stack, *arguments):
    """What a statement (-c) or a script (-f) says, bare."""
    if not shutil.which("psql"):
        raise Failure("there is no psql", "./workshop up installs it")
    return output_of(["psql", stack.postgres.url, "-qAtv", "ON_ERROR_STOP=1", *arguments]).strip()


def make_tables(stack):
    psql(stack, "-f", stack.root / "common/contract/schema.sql")
