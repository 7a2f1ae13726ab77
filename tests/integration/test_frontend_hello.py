"""GET /hello: the answer, and the one message behind it, read with pika while no backend runs."""

import time
import uuid

import pytest

from program import parallel, running
from tracing import FORM, TRACEPARENT, is_continued


@pytest.fixture
def frontend(shared):
    place, frontend = shared
    place.take()
    return frontend


@pytest.fixture
def place(shared):
    return shared[0]


def test_answer(frontend):
    answer = frontend.get("/hello")
    assert (answer.status_code, answer.text) == (200, "Hello, World!")
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.headers["Content-Length"] == "13"


def test_one_message_with_its_properties(frontend, place):
    before = time.time()
    frontend.get("/hello?whatever=1")
    [(body, properties)] = place.take(1)
    assert body == b'"hello"'
    assert properties.delivery_mode == 2
    assert properties.content_type == "application/json"
    assert int(before) <= properties.timestamp <= time.time()
    assert FORM.fullmatch(properties.headers["traceparent"])
    identity = uuid.UUID(properties.message_id)
    assert identity.version == 7 and identity.variant == uuid.RFC_4122
    assert before - 1 <= (identity.int >> 80) / 1000 <= time.time() + 1
    assert place.take() == []


def test_every_request_is_a_message_with_an_id_of_its_own(frontend, place):
    answers = parallel(16, lambda n: [frontend.get("/hello").status_code for _ in range(10)])
    assert answers == [[200] * 10] * 16
    assert len({properties.message_id for _, properties in place.take(160)}) == 160
    assert place.take() == []


def test_traceparent_is_passed_on(frontend, place):
    frontend.get("/hello", headers={"traceparent": TRACEPARENT})
    [(_, properties)] = place.take(1)
    assert is_continued(TRACEPARENT, properties.headers["traceparent"])


@pytest.mark.parametrize("value", [
    "", "nonsense", TRACEPARENT[:-1], TRACEPARENT + "0", TRACEPARENT.upper(), TRACEPARENT.replace("-", "_"),
    "ff" + TRACEPARENT[2:],
    f"00-{'0' * 32}-b7ad6b7169203331-01",
    f"00-0af7651916cd43dd8448eb211c80319c-{'0' * 16}-01",
    "00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01",
])
def test_an_invalid_traceparent_is_replaced(frontend, place, value):
    assert frontend.get("/hello", headers={"traceparent": value}).status_code == 200
    [(_, properties)] = place.take(1)
    assert FORM.fullmatch(properties.headers["traceparent"])
    assert "0af7651916cd43dd8448eb211c80319c" not in properties.headers["traceparent"]


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
def test_only_get_publishes(frontend, place, method):
    answer = frontend.request(method, "/hello")
    assert answer.status_code == 405 and answer.headers["Allow"] == "GET"
    frontend.get("/hello", headers={"traceparent": TRACEPARENT})
    [(_, properties)] = place.take(1)  # what the other method might have published would come first
    assert is_continued(TRACEPARENT, properties.headers["traceparent"])


def test_hello_total_counts_requests(frontend):
    answered = {"endpoint": "/hello", "method": "GET", "code": "200"}
    before = frontend.value("hello_total"), frontend.value("http_requests_total", **answered)
    for _ in range(5):
        frontend.get("/hello")
    frontend.request("HEAD", "/hello")
    after = frontend.value("hello_total"), frontend.value("http_requests_total", **answered)
    assert after == (before[0] + 5, before[1] + 5)


def test_hello_delay(stack, place):
    with running(stack, place, "frontend", "--hello-delay", "100-300") as frontend:
        def seconds(_):
            begin = time.monotonic()
            assert frontend.get("/hello").text == "Hello, World!"
            return time.monotonic() - begin
        taken = parallel(20, seconds)
        assert min(taken) >= 0.1 and max(taken) < 2
        assert max(taken) - min(taken) > 0.05  # random
        # Only a sum that holds the delays shows that they are latency, too.
        assert 20 * 0.1 <= frontend.value("http_latency_sum", endpoint="/hello", method="GET") <= sum(taken)
        begin = time.monotonic()
        frontend.get("/health")
        assert time.monotonic() - begin < 0.1
