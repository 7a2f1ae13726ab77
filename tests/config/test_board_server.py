"""What the board's server answers, and what it refuses; where uPlot comes from."""

import http.client

import pytest
import requests
from workshop import uplot

@pytest.mark.parametrize("path", [
    "/board/../README.md", "/board/..%2fREADME.md", "/board/..%2F..%2fdocs/board.md", "/runbooks/..%2fboard.md",
    "/board/../../../etc/passwd", "/board/..%2f..%2fREADME.md", "/runbooks/../README.md", "/board/.%2e/x.js",
    "/runbooks/..%2f..%2fREADME.md", "/vendor/../x", "/d/../../etc/passwd", "/api/dashboards/..%2fx", "/%00"])
def test_no_path_leads_out(workshop, path):
    connection = http.client.HTTPConnection("127.0.0.1", workshop.board.port, timeout=5)
    connection.request("GET", path)
    assert connection.getresponse().status == 404
    connection.close()


@pytest.mark.parametrize("method, path, headers, body, status", [
    ("GET", "/", {"Host": "evil.example"}, None, 403),
    ("GET", "/", {"Host": "127.0.0.1"}, None, 403),
    ("GET", "/api/v1/query?query=1", {"Host": "evil.example:5080"}, None, 403),
    ("POST", "/api/v1/query", {"Origin": "http://evil.example"}, "query=1", 403),
    ("GET", "/api/v1/admin/tsdb/snapshot", {}, None, 403),
    ("POST", "/api/v1/admin/tsdb/delete_series", {}, "match[]=up", 403),
    ("GET", "/api/v1/query/../status/config", {}, None, 403),
    ("GET", "/api/v1/status/flags", {}, None, 403),
    ("POST", "/", {}, "x", 403),
    ("POST", "/api/v1/alerts", {}, "x", 403),
    ("POST", "/api/v1/query", {}, "query=" + "1" * 70000, 413),
    ("DELETE", "/api/v1/query", {}, None, 501),
])
def test_what_is_refused(workshop, method, path, headers, body, status):
    kind = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
    request = requests.Request(method, workshop.board.url, headers=headers | kind, data=body).prepare()
    request.url = workshop.board.url + path
    assert requests.Session().send(request, timeout=5).status_code == status


def test_what_every_answer_says(workshop):
    answer = requests.get(workshop.board.url, timeout=5)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    policy = set(answer.headers["Content-Security-Policy"].split("; "))
    assert {"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"} <= policy


def test_queries_are_handed_on(workshop):
    for answer in (requests.post(workshop.board.url + "/api/v1/query", {"query": "1+1"}, timeout=5),
                   requests.get(workshop.board.url + "/api/v1/query", {"query": "1+1"}, timeout=5)):
        assert answer.json()["data"]["result"][1] == "2"


def test_without_a_network_the_library_is_missed_in_one_sentence(tmp_path):
    with pytest.raises(uplot.Unavailable, match="could not be fetched from http://127.0.0.1:1/.*reload the page"):
        uplot.Library(tmp_path, "http://127.0.0.1:1/uplot.tgz").file("uplot.js")


def test_another_content_than_the_pinned_is_not_used(tmp_path):
    (tmp_path / "false.tgz").write_bytes(b"not uPlot")
    with pytest.raises(uplot.Unavailable, match="SHA-512 begins with"):
        uplot.Library(tmp_path / "cache", (tmp_path / "false.tgz").as_uri()).file("uplot.js")
    assert not (tmp_path / "cache").exists()
