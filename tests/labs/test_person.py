"""The person lab, seen from outside: its API, its limits, its delays, its metrics and how it ends."""

import concurrent.futures
import re
import socket
import subprocess
import time

import pytest

from people import ADA, BIN, Lab, free_port, until

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture(scope="module")
def lab():
    with Lab() as running:
        yield running


# The API.

def test_a_person_is_made_read_changed_and_deleted(lab):
    made = lab.post()
    person = made.json()
    assert made.status_code == 201 and made.headers["Location"] == f"/person/{person['id']}"
    assert made.headers["Content-Type"] == "application/json"
    assert {name: person[name] for name in ADA} == ADA
    assert TIME.fullmatch(person["created_at"]) and person["updated_at"] == person["created_at"]
    here = f"/person/{person['id']}"
    assert lab.get(here).json() == person
    assert lab.get(f"/persons/{person['id']}").json() == person
    until(lambda: time.time_ns() // 10 ** 6 % 1000 != int(person["created_at"][-4:-1]), every=0)
    changed = lab.request("PUT", here, json={"email": None, "last_name": "King"})
    assert changed.status_code == 200
    expected = person | {"email": None, "last_name": "King", "updated_at": changed.json()["updated_at"]}
    assert changed.json() == expected == lab.get(here).json()
    assert changed.json()["updated_at"] > person["created_at"]
    gone = lab.request("DELETE", here)
    assert gone.status_code == 204 and gone.content == b""
    assert [lab.request(method, here, json={}).status_code for method in ("GET", "PUT", "DELETE")] == [404] * 3


def test_a_person_may_be_sent_back_as_it_was_answered(lab):
    person = lab.post(email="é\"\\\n\U0001f600").json()
    again = lab.request("PUT", f"/person/{person['id']}", json=person)
    assert again.status_code == 200
    assert again.json() == person | {"updated_at": again.json()["updated_at"]}


def test_required_fields_alone_are_enough(lab):
    made = lab.request("POST", "/person", json={"first_name": "A", "last_name": "B"})
    assert made.status_code == 201 and made.json()["email"] is None and made.json()["address"] is None


@pytest.mark.parametrize("body, reason", [
    ("", "empty"), ("{", "not valid JSON"), ("[]", "must be a JSON object"), ('{"first_name":"A"}', "last_name is missing"),
    ('{"first_name":"A","last_name":5}', "last_name must be a text"), ('{"first_name":""}', "must not be empty"),
    ('{"first_name":"%s"}' % ("x" * 101), "longer than 100 bytes"), ("[" * 5000, "not valid JSON"),
    ('{"first_name":"A","first_name":"B"}', "duplicate"), ("{\n\n!}", "line 3")])
def test_a_bad_body_is_400_with_the_reason_and_changes_nothing(lab, body, reason):
    here = f"/person/{lab.post().json()['id']}"
    before, count = lab.get(here).json(), lab.value("person_store_count")
    answer = lab.request("POST", "/person", data=body)
    assert answer.status_code == 400 and reason in answer.json()["error"]
    if "missing" not in reason:
        assert lab.request("PUT", here, data=body).status_code == 400
    assert lab.get(here).json() == before and lab.value("person_store_count") == count


@pytest.mark.parametrize("id", ["0", "-1", "x", "1x", "01", "999999", "18446744073709551616", "%31", "1%00"])
def test_an_unknown_id_is_404(lab, id):
    before = lab.value("person_not_found_total")
    answer = lab.get(f"/person/{id}")
    assert answer.status_code == 404 and answer.json() == {"error": "No such person"}
    assert lab.value("person_not_found_total") == before + 1


def test_lists_are_pages_of_twenty_in_the_order_of_ids():
    with Lab() as lab:
        assert lab.get("/person/list").json() == []
        ids = [lab.post().json()["id"] for _ in range(45)]
        for gone in (ids[3], ids[20], ids[44]):
            lab.request("DELETE", f"/person/{gone}")
            ids.remove(gone)
        pages = [lab.get(f"/person/list?start={start}") for start in (0, 20, 40, 42, 60)]
        assert [[person["id"] for person in page.json()] for page in pages] == [ids[:20], ids[20:40], ids[40:], [], []]
        assert {page.headers["X-Total-Count"] for page in pages} == {"42"}
        assert lab.get("/person/list").json() == pages[0].json()
        assert ids == sorted(ids) and pages[0].json()[0] == lab.get(f"/person/{ids[0]}").json()
        for bad in ("-1", "x", "", "1.5", "99999999999999999999999"):
            assert lab.get(f"/person/list?start={bad}").status_code == 400, bad


def test_other_methods_are_405_with_allow(lab):
    assert lab.request("PATCH", "/person/1").headers["Allow"] == "GET, HEAD, PUT, DELETE"
    assert lab.request("PUT", "/persons/1").headers["Allow"] == "GET, HEAD"
    assert lab.get("/person").status_code == 405 and lab.get("/people").status_code == 404


def test_head_is_get_without_a_body(lab):
    here = f"/person/{lab.post().json()['id']}"
    head, get = lab.request("HEAD", here), lab.get(here)
    assert head.status_code == 200 and head.content == b"" and head.headers["Content-Length"] == str(len(get.content))


# Limits.

def test_a_full_store_is_507_until_somebody_leaves():
    with Lab("--people-max", "3") as lab:
        first = [lab.post().json()["id"] for _ in range(3)][0]
        assert [lab.post().status_code for _ in range(5)] == [507] * 5
        assert lab.request("PUT", f"/person/{first}", json={"email": "x"}).status_code == 200
        lab.request("DELETE", f"/person/{first}")
        assert lab.post().json()["id"] == 4, "an id is never given twice"
        assert lab.value("http_requests_total", code="507", method="POST", path="/person") == 5
        assert lab.value("person_store_count") == 3
    assert lab.said.count("the store is full") == 1


def test_a_body_of_more_than_64_kib_is_413(lab):
    assert lab.request("POST", "/person", data=b"{" + b" " * 70000).status_code == 413


# Delays.

def test_a_delay_is_the_methods_own():
    with Lab("--post-delay", "150-200", "--get-delay", "0") as lab:
        begin = time.monotonic()
        lab.post()
        assert 0.15 <= time.monotonic() - begin < 5
        lab.get("/person/1")
        assert lab.value("http_request_duration_seconds_bucket", method="POST", path="/person", le="0.1") == 0
        assert lab.value("http_request_duration_seconds_bucket", method="POST", path="/person", le="0.5") == 1
        assert lab.value("http_request_duration_seconds_bucket", method="GET", path="/person/:id", le="0.1") == 1


def test_requests_that_wait_are_in_progress_and_are_answered_at_the_end():
    with Lab("--post-delay", "60000") as lab, concurrent.futures.ThreadPoolExecutor() as pool:
        waiting = [pool.submit(Lab.post, lab) for _ in range(5)]
        until(lambda: lab.value("http_requests_in_progress", method="POST") == 5)
        lab.tell()
        assert [answer.result(10).status_code for answer in waiting] == [201] * 5


def test_who_leaves_while_they_wait_is_no_longer_in_progress():
    with Lab("--get-delay", "300") as lab:
        host, port = lab.address.split(":")
        with socket.create_connection((host, int(port))) as peer:
            peer.sendall(b"GET /person/1 HTTP/1.1\r\nHost: x\r\n\r\n")
            until(lambda: lab.value("http_requests_in_progress", method="GET") == 2)  # it, and the one that asks
        until(lambda: lab.value("http_requests_in_progress", method="GET") == 1)


# Metrics.

def test_every_request_is_counted_by_its_pattern():
    with Lab() as lab:
        ids = [lab.post().json()["id"] for _ in range(3)]
        for id in ids:
            lab.get(f"/person/{id}"), lab.get(f"/persons/{id}")
        lab.get("/person/77"), lab.get("/person/list"), lab.request("DELETE", f"/person/{ids[0]}")
        lab.request("POST", "/person", data="{"), lab.request("BREW", "/person"), lab.get("/nowhere")
        expected = {("201", "POST", "/person"): 3, ("200", "GET", "/person/:id"): 3, ("200", "GET", "/persons/:id"): 3,
                    ("404", "GET", "/person/:id"): 1, ("200", "GET", "/person/list"): 1,
                    ("204", "DELETE", "/person/:id"): 1, ("400", "POST", "/person"): 1, ("404", "GET", "other"): 1}
        for (code, method, path), count in expected.items():
            assert lab.value("http_requests_total", code=code, method=method, path=path) == count, (code, method, path)
        assert lab.value("http_status_code", code="404") == 2 and lab.value("http_status_code", code="201") == 3
        assert lab.value("person_created_total") == 3 and lab.value("person_deleted_total") == 1
        assert lab.value("person_store_count") == 2 and lab.value("person_not_found_total") == 1
        assert not [labels for name, labels in lab.samples() if any("77" in value for _, value in labels)]


def test_status_codes_and_requests_agree():
    with Lab() as lab:
        lab.post(), lab.get("/person/1"), lab.get("/person/9"), lab.get("/x")
        samples = lab.samples()
        by_code = {dict(labels)["code"]: value for (name, labels), value in samples.items() if name == "http_status_code"}
        for code, value in by_code.items():
            assert value == sum(its for (name, labels), its in samples.items()
                                if name == "http_requests_total" and dict(labels)["code"] == code), code
        assert sum(by_code.values()) == sum(value for (name, _), value in samples.items()
                                            if name == "http_request_duration_seconds_count")


def test_sizes_fall_into_buckets_that_double_from_100_bytes():
    with Lab() as lab:
        bounds = [str(100.0 * 2 ** n) for n in range(10)]
        has = [dict(labels)["le"] for name, labels in lab.samples() if name == "person_payload_size_bytes_bucket"]
        assert has == [*bounds, "+Inf"]
        for size in (100, 101, 60000):
            lab.request("POST", "/person", data=b"x" * size)
        counts = [lab.value("person_payload_size_bytes_bucket", le=le) for le in (bounds[0], bounds[1], bounds[9], "+Inf")]
        assert counts == [1, 2, 2, 3] and lab.value("person_payload_size_bytes_sum") == 60201


def test_usage_is_that_of_the_process_and_no_scrape_changes_it():
    with Lab() as lab:
        samples = {name: value for (name, labels), value in lab.samples().items() if not labels}
        assert abs(samples["app_memory_usage_megabytes"] - samples["process_resident_memory_bytes"] / 1e6) < 0.5
        until(lambda: [lab.get("/metrics") for _ in range(100)] and lab.value("process_cpu_seconds_total") > 0.1, 30)
        first, second = lab.value("app_cpu_usage_percent"), lab.value("app_cpu_usage_percent")
        assert 0.5 < first <= 110 and 0.3 < second / first < 3


# Starting.

def test_a_bad_setting_exits_2_and_names_itself():
    done = subprocess.run([BIN / "person", "--people-max", "100001"], capture_output=True, text=True, timeout=10)
    assert done.returncode == 2 and "people-max" in done.stderr
    done = subprocess.run([BIN / "person", "--post-delay", "9-3"], capture_output=True, text=True, timeout=10)
    assert done.returncode == 2 and "post-delay" in done.stderr


def test_a_taken_port_is_named_and_healthcheck_tells(lab):
    done = subprocess.run([BIN / "person", "--listen", lab.address], capture_output=True, text=True, timeout=10)
    assert done.returncode != 0 and lab.address.split(":")[1] in done.stderr
    check = [BIN / "person", "--healthcheck", "--listen"]
    assert subprocess.run([*check, lab.address], timeout=10).returncode == 0
    assert subprocess.run([*check, f"127.0.0.1:{free_port()}"], capture_output=True, timeout=10).returncode == 1
