"""Frontend and backend together, from a request to a row, and the ids that connect them."""

import uuid

import pytest

from place import Place
from program import parallel, running
from until import until


@pytest.fixture(scope="module")
def shared(stack):
    with Place(stack) as place, running(stack, place, "backend", "--generators", "0") as backend, \
            running(stack, place, "frontend") as frontend:
        until(lambda: "down" not in backend.get("/ready").text + frontend.get("/ready").text)
        yield place, frontend, backend


@pytest.fixture
def place(shared):
    place = shared[0]
    place.sql("truncate fruits, dead_letter")
    place.redis.flushdb()
    return place


@pytest.fixture
def frontend(shared):
    return shared[1]


@pytest.fixture
def backend(shared):
    return shared[2]


def test_an_order_becomes_a_row_with_its_id(frontend, place):
    identity = frontend.order("Pears", 3).json()["id"]
    until(lambda: place.rows() == [(identity, "pears", 3)])


def test_the_sum_follows_the_orders_at_once(frontend, place):
    """The cache must not keep a sum that a commit has made wrong: each answer is right as soon as the row is there."""
    total = 0
    for quantity in range(1, 21):
        assert frontend.get("/fruit?name=grapes").json()["total_quantity"] == total
        identity = frontend.order("grapes", quantity).json()["id"]
        total += quantity
        until(lambda: any(row[0] == identity for row in place.rows()), every=0.002)
        until(lambda: frontend.get("/fruit?name=grapes").json()["total_quantity"] == total, 1, every=0.005)
        assert frontend.get("/fruit").json()["total_quantity"] == total


def test_the_same_key_is_one_row(frontend, backend, place):
    key = str(uuid.uuid4())
    duplicates = backend.value("worker_jobs_total", kind="fruit", result="duplicate")
    for _ in range(2):
        assert frontend.order("pears", 3, Idempotency_Key=key).json()["id"] == key
    until(lambda: backend.value("worker_jobs_total", kind="fruit", result="duplicate") == duplicates + 1)
    assert place.rows() == [(key, "pears", 3)]


def test_the_same_key_many_times_at_once_is_one_row(frontend, backend, place):
    key = str(uuid.uuid4())
    finished = backend.value("worker_jobs_total", kind="fruit")
    answers = parallel(20, lambda n: frontend.order("pears", 3, Idempotency_Key=key if n % 2 else key.upper()))
    assert {(answer.status_code, answer.json()["id"]) for answer in answers} == {(200, key)}
    until(lambda: backend.value("worker_jobs_total", kind="fruit") == finished + 20)
    assert place.rows() == [(key, "pears", 3)]


def test_hello_is_done(frontend, backend):
    done = backend.value("worker_jobs_total", kind="hello", result="done")
    parallel(5, lambda n: frontend.get("/hello"))
    until(lambda: backend.value("worker_jobs_total", kind="hello", result="done") == done + 5)


def test_what_is_rejected_reaches_nobody(frontend, backend, place):
    finished = backend.value("worker_jobs_total")
    frontend.order("kiwi"), frontend.order(quantity=0), frontend.order(Idempotency_Key="x")
    frontend.get("/fruit?name=kiwi")
    identity = frontend.order("pears", 1).json()["id"]
    until(lambda: place.rows() == [(identity, "pears", 1)])
    until(lambda: backend.value("worker_jobs_total") == finished + 1)
    assert place.dead_letters() == []


def test_generated_orders_show_in_the_sums(place, frontend, stack):
    with running(stack, place, "backend", "--generators", "2"):
        until(lambda: frontend.get("/fruit?name=oranges").json()["total_quantity"] > 0)
