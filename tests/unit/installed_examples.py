"""Runs the programs of examples/ as somebody would who tries them, and reads their metrics with Prometheus's own client.

    check_examples(DIRECTORY_OF_PROGRAMS, ENVIRONMENT)

Anything that is not as the examples promise ends the process with a reason.
"""
import contextlib
import math
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

HOST = "127.0.0.1"
PATIENCE = 10  # seconds until a program listens


def check_examples(directory, env):
    for example in (_check_socket, _check_libuv, _check_batch):
        try:
            example(directory, env)
        except (AssertionError, KeyError, OSError) as error:
            sys.exit(f"{directory}: {example.__name__}: {error!r}")


def _check_socket(directory, env):
    with _server(directory / "metrics_socket", env) as url:
        first, second = _scrape(url), _scrape(url)
    assert _value(first, "hello_requests_total") == 0, first
    assert _value(second, "hello_requests_total") == 1, second
    assert _value(second, "hello_request_seconds_bucket", le="+Inf") == 1, second
    _check_own_metrics(second)


def _check_libuv(directory, env):
    with _server(directory / "metrics_libuv", env) as url:
        _scrape(url)
        time.sleep(.25)
        samples = _scrape(url)
    assert _value(samples, "hello_connections") == 1, samples
    done = _value(samples, "hello_jobs_total", queue="mail", result="ok")
    assert done >= 2 and _value(samples, "hello_job_seconds_count") == done, samples
    assert _value(samples, "hello_job_seconds", quantile="0.5") > 0, samples
    _check_own_metrics(samples)


def _check_own_metrics(samples):
    """What the library registers in constructors, which a linker would love to drop."""
    assert _value(samples, "process_open_fds") > 3 and math.isfinite(_value(samples, "process_cpu_seconds_total"))
    assert _value(samples, "metrics_errors_total", reason="negative") == 0


def _check_batch(directory, env):
    with tempfile.TemporaryDirectory() as name:
        page, data = pathlib.Path(name) / "backup.prom", pathlib.Path(name) / "data"
        data.write_bytes(bytes(1000))
        argv = [directory / "metrics_batch", page, data, data, "/nonexistent"]
        subprocess.run(argv, env=env, check=True)
        samples = _samples(page.read_text())
        assert _value(samples, "backup_files", result="ok") == 2, samples
        assert _value(samples, "backup_files", result="failed") == 1, samples
        assert _value(samples, "backup_bytes") == 2000, samples
        assert abs(_value(samples, "backup_finished_timestamp_seconds") - time.time()) < 60, samples
        assert sorted(pathlib.Path(name).iterdir()) == [page, data], "it left more than its page"
        _check_old_page_survives(argv, page, env)
        if shutil.which("prometheus-node-exporter"):
            _check_node_exporter_reads(page)


def _check_old_page_survives(argv, page, env):
    """On a full disk."""
    before = page.read_text()
    page.with_name(page.name + ".tmp").symlink_to("/dev/full")
    done = subprocess.run(argv, env=env, capture_output=True, text=True)
    assert done.returncode == 1 and "No space left" in done.stderr, done
    assert page.read_text() == before, "the old page is lost"


def _check_node_exporter_reads(page):
    """Twice the same job, under another name of a file, would clash with itself: one page is all it gets."""
    flags = ["--collector.disable-defaults", "--collector.textfile", f"--collector.textfile.directory={page.parent}"]
    with _listening(lambda port: ["prometheus-node-exporter", *flags, f"--web.listen-address={HOST}:{port}"]) as url:
        samples = _scrape(url)
    assert _value(samples, "backup_files", result="ok") == 2, samples
    assert _value(samples, "node_textfile_scrape_error") == 0, samples


def _server(program, env):
    return _listening(lambda port: [program, str(port)], env)


@contextlib.contextmanager
def _listening(argv_of, env=None):
    """The URL of a program that was told a free port; it ends with the block."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(argv_of(port), env=env, stderr=subprocess.DEVNULL)
    try:
        _await(process, port)
        yield f"http://{HOST}:{port}/metrics"
    finally:
        process.kill()
        process.wait()


def _await(process, port):
    """Looks rather than connects: that would be a client, and be counted."""
    listening = f":{port:04X} 00000000:0000 0A "
    end = time.monotonic() + PATIENCE
    while listening not in pathlib.Path("/proc/net/tcp").read_text():
        assert process.poll() is None and time.monotonic() < end, f"{process.args[0]} does not listen"
        time.sleep(.01)


def _scrape(url):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=PATIENCE) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4"), answer.headers
        return _samples(answer.read().decode())


def _samples(text):
    return {(sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text) for sample in family.samples}


def _value(samples, name, **labels):
    return samples[name, frozenset(labels.items())]
