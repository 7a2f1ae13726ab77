"""GET /fruit: from the cache, from PostgreSQL, and from neither."""

import threading
import time

import pytest

from place import FRUITS
from program import parallel, running
from until import until


@pytest.fixture
def frontend(shared):
    place, frontend = shared
    place.sql("delete from fruits")
    place.redis.flushdb()
    return frontend


@pytest.fixture
def place(shared):
    return shared[0]


@pytest.fixture
def wired(stack, place, wires, frontend):
    """A frontend whose wires can be cut; its tests ask it after the shared one emptied table and cache."""
    with running(stack, place, "frontend", wires=wires) as made:
        until(lambda: made.get("/ready").json()["dependencies"]["redis"] == "up")
        yield made


def store(place, name, quantity, age="0 seconds"):
    place.sql("insert into fruits (name, quantity, created_at) values (%s, %s, now() - %s::interval)", name, quantity, age)


def total(frontend, query=""):
    answer = frontend.get("/fruit" + query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    return answer.json()


def test_the_sum_of_the_last_minute(frontend, place):
    for name, quantity, age in (("pears", 3, "0 s"), ("pears", 4, "55 s"), ("pears", 100, "61 s"), ("apples", 20, "1 s")):
        store(place, name, quantity, age)
    assert total(frontend, "?name=pears") == {"fruit": "pears", "total_quantity": 7}
    assert total(frontend, "?name=apples") == {"fruit": "apples", "total_quantity": 20}
    assert total(frontend, "?name=grapes") == {"fruit": "grapes", "total_quantity": 0}
    assert total(frontend, "?name=all") == {"fruit": "all", "total_quantity": 27}


def test_without_a_name_it_is_all(frontend, place):
    store(place, "pears", 3)
    assert total(frontend) == total(frontend, "?other=x") == {"fruit": "all", "total_quantity": 3}


@pytest.mark.parametrize("query", ["?name=PEARS", "?name=Pears", "?name=%70ears", "?x=y&name=pears&name=kiwi",
                                   "?name=pears&"])
def test_ways_to_write_pears(frontend, place, query):
    store(place, "pears", 3)
    assert total(frontend, query) == {"fruit": "pears", "total_quantity": 3}


@pytest.mark.parametrize("query", ["?name=kiwi", "?name=", "?name", "?name=pears%00", "?name=%zz", "?name=pears ",
                                   "?name=+pears", "?name=" + "p" * 3000, "?name=kiwi&name=pears"])
def test_an_unknown_name_is_400_and_asks_nobody(frontend, place, query):
    before = frontend.value("cache_requests_total"), frontend.value("fruit_requests_total")
    answer = frontend.get("/fruit" + query)
    assert (answer.status_code, answer.json()) == (400, {"error": "Invalid fruit"})
    assert (frontend.value("cache_requests_total"), frontend.value("fruit_requests_total")) == before


def test_a_sum_beyond_32_bits(frontend, place):
    store(place, "pears", 2147483647)
    store(place, "pears", 2147483647)
    assert total(frontend, "?name=pears")["total_quantity"] == 4294967294
    assert total(frontend, "?name=pears")["total_quantity"] == 4294967294  # from the cache


@pytest.mark.parametrize("query, key", [("", "fruit_all"), *((f"?name={name}", f"fruit_{name}") for name in FRUITS)])
def test_the_other_implementations_cached_value_is_served(frontend, place, query, key):
    place.redis.set(key, 777)
    before = frontend.value("cache_requests_total", result="hit")
    assert total(frontend, query)["total_quantity"] == 777
    assert frontend.value("cache_requests_total", result="hit") == before + 1


def test_the_answer_is_cached_for_five_seconds(frontend, place):
    store(place, "pears", 3)
    before = frontend.value("cache_requests_total", result="miss")
    total(frontend, "?name=Pears")
    assert until(lambda: place.redis.get("fruit_pears")) == b"3"
    assert 0 < place.redis.pttl("fruit_pears") <= 5000
    assert frontend.value("cache_requests_total", result="miss") == before + 1
    store(place, "pears", 4)
    assert total(frontend, "?name=pears")["total_quantity"] == 3  # as the cache has it
    place.redis.delete("fruit_pears")
    assert total(frontend, "?name=pears")["total_quantity"] == 7


@pytest.mark.parametrize("garbage", ["", "nonsense", "-5", "+5", "1.5", " 7", "7 ", "0x10", "1e3",
                                     "99999999999999999999", "٣", "7\x00", "007"])
def test_a_cached_value_that_is_no_number_is_a_miss(frontend, place, garbage):
    store(place, "pears", 3)
    place.redis.set("fruit_pears", garbage)
    assert total(frontend, "?name=pears")["total_quantity"] == 3
    assert until(lambda: place.redis.get("fruit_pears") == b"3")  # and is mended


def test_a_cached_value_of_another_type_does_no_harm(frontend, place):
    store(place, "pears", 3)
    place.redis.rpush("fruit_pears", "1", "2")
    assert total(frontend, "?name=pears")["total_quantity"] == 3
    assert until(lambda: place.redis.type("fruit_pears") == b"string")


def test_the_gauges_follow_hits_and_misses(frontend, place):
    store(place, "grapes", 5)
    total(frontend, "?name=grapes")
    total(frontend)
    assert frontend.value("recent_fruits", fruit="grapes") == 5 and frontend.value("all_fruits") == 5
    place.redis.set("fruit_grapes", 6)
    place.redis.set("fruit_all", 8)
    total(frontend, "?name=grapes")
    total(frontend)
    assert frontend.value("recent_fruits", fruit="grapes") == 6 and frontend.value("all_fruits") == 8
    assert {dict(labels)["fruit"] for name, labels in frontend.samples() if name == "recent_fruits"} == set(FRUITS)


def test_many_requests_for_a_cold_name_are_one_query(frontend, place):
    """A lock on the table keeps the query in flight until all requests are there."""
    store(place, "bananas", 9)
    before = frontend.value("postgres_query_seconds_count", query="sum_of_one")
    answers = []
    with place.transaction() as lock:
        lock.cursor().execute("lock table fruits in access exclusive mode")
        begun = frontend.value("http_connections_total")
        threads = [threading.Thread(target=lambda: answers.append(total(frontend, "?name=bananas"))) for _ in range(50)]
        for thread in threads:
            thread.start()
        until(lambda: frontend.value("http_connections_total") >= begun + 50)
        assert total_of_waiting_queries(place) == 1
        time.sleep(0.2)
        assert answers == [] and total_of_waiting_queries(place) == 1
    lock.close()
    for thread in threads:
        thread.join(10)
    assert answers == [{"fruit": "bananas", "total_quantity": 9}] * 50
    assert frontend.value("postgres_query_seconds_count", query="sum_of_one") == before + 1


def total_of_waiting_queries(place):
    return until(lambda: place.sql("select count(*) from pg_locks where not granted and relation = 'fruits'::regclass "
                                   "and database = (select oid from pg_database where datname = current_database())")[0][0])


def test_a_name_that_waits_does_not_hold_up_the_others(frontend, place):
    place.redis.set("fruit_apples", 1)
    with place.transaction() as lock:
        lock.cursor().execute("lock table fruits in access exclusive mode")
        slow = threading.Thread(target=lambda: total(frontend, "?name=pears"))
        slow.start()
        total_of_waiting_queries(place)
        assert total(frontend, "?name=apples")["total_quantity"] == 1
        assert frontend.get("/hello").status_code == 200
    lock.close()
    slow.join(10)


def test_without_redis_postgres_serves(wired, place, wires):
    store(place, "pears", 3)
    place.redis.set("fruit_pears", 777)
    wires.redis.refuse()
    until(lambda: wired.get("/ready").json()["dependencies"]["redis"] == "down")
    before = wired.value("cache_requests_total", result="error")
    assert total(wired, "?name=pears")["total_quantity"] == 3
    assert wired.value("cache_requests_total", result="error") == before + 1
    assert wired.get("/ready").status_code == 200  # it is not needed
    wires.redis.accept()
    until(lambda: wired.get("/ready").json()["dependencies"]["redis"] == "up", 3)
    place.redis.set("fruit_pears", 777)
    assert total(wired, "?name=pears")["total_quantity"] == 777


def test_a_redis_that_hangs_costs_its_deadline_at_most(wired, place, wires):
    store(place, "pears", 3)
    wires.redis.stall()
    for _ in range(3):
        begin = time.monotonic()
        assert total(wired, "?name=pears")["total_quantity"] == 3
        assert time.monotonic() - begin < 0.5  # its deadline is 50 ms
    wires.redis.flow()
    until(lambda: wired.get("/ready").json()["dependencies"]["redis"] == "up", 4)
    place.redis.set("fruit_pears", 777)
    until(lambda: total(wired, "?name=pears")["total_quantity"] == 777, 4)


def test_without_postgres_the_cache_serves(wired, place, wires):
    place.redis.set("fruit_pears", 777)
    wires.postgres.refuse()
    until(lambda: wired.get("/ready").status_code == 503)
    assert total(wired, "?name=pears")["total_quantity"] == 777
    assert wired.get("/fruit?name=apples").status_code == 503
    wires.postgres.accept()
    until(lambda: wired.get("/fruit?name=apples").status_code == 200, 3)


def test_without_both_it_is_503(wired, place, wires):
    place.redis.set("fruit_pears", 777)
    wires.postgres.refuse()
    wires.redis.refuse()
    until(lambda: wired.get("/fruit?name=pears").status_code == 503)
    begin = time.monotonic()
    answer = wired.get("/fruit")
    assert answer.status_code == 503 and time.monotonic() - begin < 1
    assert int(answer.headers["Retry-After"]) >= 1 and answer.json()["error"]
    before = wired.value("http_requests_total", method="GET", endpoint="/fruit", code="503")
    assert parallel(8, lambda n: wired.get("/fruit").status_code) == [503] * 8
    assert wired.value("http_requests_total", method="GET", endpoint="/fruit", code="503") == before + 8
    wires.postgres.accept()
    until(lambda: wired.get("/fruit").status_code == 200, 3)


def test_a_postgres_that_hangs_ends_in_503_and_delays_nothing_else(wired, wires):
    wires.postgres.stall()
    begin = time.monotonic()
    slow, fast = parallel(2, lambda n: (wired.get(("/fruit", "/hello")[n]).status_code, time.monotonic() - begin))
    assert slow[0] == 503 and slow[1] < 7  # the query's limit is 5 s, and there is some grace
    assert fast[0] == 200 and fast[1] < 1
    wires.postgres.flow()
    until(lambda: wired.get("/fruit").status_code == 200, 5)
