"""The backend's settings at work: prefetch, workers, delays, generators, retention."""

import json
import time
import uuid

from until import stays, until


def test_prefetch(place, run):
    backend = run("backend", "--generators", "0", "--prefetch", "50")
    lock = place.transaction()
    lock.cursor().execute("lock table fruits in share mode")
    place.publish_orders([(str(uuid.uuid4()), "pears", n + 1) for n in range(500)])
    until(lambda: place.waiting() == 450)
    stays(lambda: place.waiting() == 450 and backend.value("amqp_unacked") == 50, 0.4)
    lock.rollback()
    lock.close()
    until(lambda: place.count() == 500)


def test_workers_bound_the_jobs_that_sleep(place, run):
    backend = run("backend", "--generators", "0", "--workers", "3", "--job-delay", "200")
    seen, begin = set(), time.monotonic()
    place.publish(*["hello"] * 30)
    until(lambda: seen.add(backend.value("worker_busy")) or backend.value("worker_jobs_total", kind="hello") == 30)
    elapsed = time.monotonic() - begin
    assert max(seen) == 3
    assert 10 * 0.2 <= elapsed < 5
    assert backend.value("worker_busy") == 0 and backend.value("amqp_unacked") == 0


def test_fruit_needs_no_worker(place, run):
    backend = run("backend", "--generators", "0", "--workers", "1", "--job-delay", "3000")
    place.publish("hello", "hello")
    place.publish({"fruit": "pears", "quantity": 1})
    until(lambda: place.count() == 1, 2)
    assert backend.value("worker_busy") == 1
    backend.crash()


def test_job_delay_is_the_jobs_duration(place, run):
    backend = run("backend", "--generators", "0", "--job-delay", "100-300", "--workers", "100")
    place.publish(*["hello"] * 50)
    until(lambda: backend.value("worker_jobs_total", kind="hello", result="done") == 50)
    mean = backend.value("worker_job_duration_seconds_sum", kind="hello") / 50
    assert 0.15 < mean < 0.35
    quantiles = [backend.value("worker_job_duration_seconds", kind="hello", quantile=q) for q in ("0.5", "0.9", "0.99")]
    assert quantiles == sorted(quantiles) and 0.1 <= quantiles[0] and quantiles[0] < quantiles[2] < 0.6


def test_generators(place, run):
    """Three of them, each every 100 to 500 ms: about 10 orders a second."""
    backend = run("backend", "--generators", "3")
    begin = time.monotonic()
    until(lambda: place.count() >= 15)
    assert 15 / 30 * 0.9 < time.monotonic() - begin < 6
    rows = place.rows()
    assert {name for _, name, _ in rows} == {"oranges"}
    assert all(1 <= quantity <= 10 for *_, quantity in rows) and len({quantity for *_, quantity in rows}) > 2
    assert all(uuid.UUID(identity).version == 7 for identity, *_ in rows)
    assert len({identity for identity, *_ in rows}) == len(rows)
    assert backend.value("generator_messages_total") >= 15
    assert backend.value("amqp_published_total", result="confirmed") >= 15


def test_what_a_generator_publishes(place, run):
    backend = run("backend", "--generators", "5", "--prefetch", "1")
    lock = place.transaction()
    lock.cursor().execute("lock table fruits in share mode")
    until(lambda: place.waiting() >= 5)
    body, properties = place.take(1)[0]
    order = json.loads(body)
    assert order["fruit"] == "oranges" and 1 <= order["quantity"] <= 10 and set(order) == {"fruit", "quantity"}
    assert properties.delivery_mode == 2 and properties.content_type == "application/json"
    assert uuid.UUID(properties.message_id).version == 7 and abs(properties.timestamp - time.time()) < 10
    backend.crash()
    lock.close()


def test_no_generator(place, run):
    backend = run("backend", "--generators", "0")
    stays(lambda: place.count() == 0, 1)
    assert backend.value("generator_messages_total") == 0


def test_retention(place, run):
    """Rows go, and with them the key that tells a repeated message; dead letters stay."""
    backend = run("backend", "--generators", "0", "--retention", "2")
    place.sql("insert into fruits (name, quantity, created_at) select 'pears', 1, now() - interval '1 hour' "
              "from generate_series(1, 12000)")
    identity = str(uuid.uuid4())
    place.publish_orders([(identity, "apples", 5)])
    place.publish(b"nonsense", message_id=str(uuid.uuid4()))
    until(lambda: place.count("dead_letter") == 1)
    assert (identity, "apples", 5) in place.rows()
    until(lambda: place.count() == 0, 8)
    until(lambda: backend.value("retention_deleted_total") == 12001)
    assert place.count("dead_letter") == 1
    place.publish_orders([(identity, "apples", 6)])
    until(lambda: place.rows() == [(identity, "apples", 6)])


def test_rows_within_the_retention_stay(place, run):
    run("backend", "--generators", "0", "--retention", "1")
    place.sql("insert into fruits (name, quantity, created_at) values ('pears', 1, now() + interval '1 hour')")
    place.sql("insert into fruits (name, quantity, created_at) values ('pears', 2, now() - interval '1 hour')")
    until(lambda: place.count() == 1, 4)
    stays(lambda: place.rows() == [(None, "pears", 1)], 1.5)
