"""The backend when something breaks: nothing is lost, nothing is stored twice, no message is blamed for a server."""

import contextlib
import threading
import time
import uuid

import pytest

from place import FRUITS
from until import stays, until


def orders(count, name=None):
    return [(str(uuid.uuid4()), name or FRUITS[n % 5], n % 1000 + 1) for n in range(count)]


def unacked(backend):
    return backend.value("amqp_unacked")


@contextlib.contextmanager
def locked(place, table="fruits"):
    """Nobody writes the table meanwhile."""
    lock = place.transaction()
    try:
        lock.cursor().execute(f"lock table {table} in share mode")
        yield
    finally:
        lock.rollback()
        lock.close()


def end_sessions(place):
    """Ends the backend's connections from the server's side."""
    place.sql("select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'backend' "
              "and datname = current_database()")


def all_stored(place, expected, seconds=30):
    until(lambda: place.count() >= len(expected), seconds, every=0.05)
    assert sorted(place.rows()) == sorted(expected)
    assert place.dead_letters() == []


# Acks

def test_the_ack_comes_after_the_commit(place, run):
    backend = run("backend", "--generators", "0")
    some = orders(20)
    with locked(place):
        place.publish_orders(some)
        until(lambda: unacked(backend) == 20)
        stays(lambda: unacked(backend) == 20 and place.waiting() == 0, 0.5)
        assert place.count() == 0
    until(lambda: unacked(backend) == 0)
    all_stored(place, some)
    assert place.waiting() == 0


def test_what_was_not_committed_goes_back_to_the_queue(place, run):
    backend = run("backend", "--generators", "0")
    some = orders(20)
    with locked(place):
        place.publish_orders(some)
        until(lambda: unacked(backend) == 20)
        backend.crash()
        until(lambda: place.waiting() == 20)
        end_sessions(place)  # the server has the statements, and would go on alone when the lock is gone
    assert place.count() == 0
    second = run("backend", "--generators", "0")
    all_stored(place, some)
    assert second.value("amqp_delivered_total", redelivered="true") == 20


def test_a_sleeping_job_does_not_hold_up_the_acks_behind_it(place, run):
    backend = run("backend", "--generators", "0", "--job-delay", "30000")
    place.publish("hello")
    until(lambda: backend.value("worker_busy") == 1)
    some = orders(300)
    place.publish_orders(some)
    all_stored(place, some)
    until(lambda: unacked(backend) == 1)
    backend.crash()
    assert [body for body, _ in place.take(1)] == [b'"hello"'] and place.take() == []


# Crashes

def test_killed_in_the_middle_every_id_is_stored_once(place, run):
    expected = orders(10000)
    backend = run("backend", "--generators", "0", "--prefetch", "500")
    publisher = threading.Thread(target=place.publish_orders, args=(expected,))
    publisher.start()
    for crash in range(1, 4):
        until(lambda: place.count() >= crash * 2000, 30)
        backend.crash()
        assert place.count() < len(expected)
        backend = run("backend", "--generators", "0", "--prefetch", "500")
    publisher.join()
    all_stored(place, expected, 60)
    until(lambda: unacked(backend) == 0)
    assert place.waiting() == 0


def test_a_crash_between_commit_and_ack_shows_as_duplicates(place, run, wires):
    """What was committed is delivered again when its ack got lost."""
    backend = run("backend", "--generators", "0", wires=wires)
    some = orders(50)
    with locked(place):
        place.publish_orders(some)
        until(lambda: unacked(backend) == 50)
        wires.rabbitmq.stall()
    until(lambda: place.count() == 50)
    backend.crash()
    wires.rabbitmq.cut()
    wires.rabbitmq.flow()
    second = run("backend", "--generators", "0", wires=wires)
    until(lambda: second.value("worker_jobs_total", kind="fruit", result="duplicate") == 50)
    all_stored(place, some)


def test_a_lost_broker_connection(place, run, wires):
    backend = run("backend", "--generators", "0", wires=wires)
    expected = orders(3000)
    publisher = threading.Thread(target=place.publish_orders, args=(expected,))
    publisher.start()
    for part in (500, 1000, 2000):
        until(lambda: place.count() >= part)
        wires.rabbitmq.cut()
    publisher.join()
    all_stored(place, expected)
    until(lambda: unacked(backend) == 0 and place.waiting() == 0)


def test_a_broker_that_comes_back(place, run, wires):
    backend = run("backend", "--generators", "0", wires=wires)
    wires.rabbitmq.refuse()
    until(lambda: backend.get("/ready").json()["dependencies"]["consumer"] == "down")
    assert backend.get("/ready").status_code == 503 and backend.get("/health").status_code == 200
    some = orders(10)
    place.publish_orders(some)
    wires.rabbitmq.accept()
    until(lambda: place.count() == 10, 2)
    all_stored(place, some)


# PostgreSQL

def test_postgres_goes_and_comes(place, run, wires):
    backend = run("backend", "--generators", "0", wires=wires)
    wires.postgres.refuse()
    until(lambda: backend.get("/ready").json()["dependencies"]["postgres"] == "down")
    some = orders(200)
    place.publish_orders(some)
    place.publish(b"nonsense")
    until(lambda: unacked(backend) == 201)
    stays(lambda: unacked(backend) == 201, 1)
    assert backend.value("store_retries_total") > 0
    wires.postgres.accept()
    until(lambda: place.count() == 200, 3)
    assert sorted(place.rows()) == sorted(some)
    assert [body for _, _, body in place.dead_letters()] == [b"nonsense"]
    until(lambda: unacked(backend) == 0 and place.waiting() == 0)


def test_postgres_is_down_at_the_start(place, run, wires):
    wires.postgres.refuse()
    backend = run("backend", "--generators", "0", wires=wires, ready=False)
    until(backend.listening)
    some = orders(50)
    place.publish_orders(some)
    time.sleep(0.5)
    wires.postgres.accept()
    all_stored(place, some)


def test_a_commit_whose_answer_is_lost(place, run, wires):
    """Whether it committed is unknown: it is tried again, and finds its rows there."""
    backend = run("backend", "--generators", "0", wires=wires)
    some = orders(100)
    with locked(place):
        place.publish_orders(some)
        until(lambda: unacked(backend) == 100)
        wires.postgres.mute()
    until(lambda: place.count() == 100)
    wires.postgres.cut()
    wires.postgres.flow()
    until(lambda: unacked(backend) == 0)
    all_stored(place, some)
    assert backend.value("worker_jobs_total", kind="fruit", result="duplicate") > 0


def test_connections_that_postgres_ends(place, run):
    backend = run("backend", "--generators", "0")
    expected = orders(4000)
    publisher = threading.Thread(target=place.publish_orders, args=(expected,))
    publisher.start()
    for part in (500, 1500, 2500):
        until(lambda: place.count() >= part)
        end_sessions(place)
    publisher.join()
    all_stored(place, expected)
    until(lambda: unacked(backend) == 0)


def test_a_lock_that_outlasts_the_statement_limit(place, run):
    """55P03 and 57014 blame no message: the batch is tried again until it is stored."""
    backend = run("backend", "--generators", "0")
    some = orders(5)
    with locked(place):
        place.publish_orders(some)
        until(lambda: backend.value("store_retries_total") > 0, 10)
        assert unacked(backend) == 5
    all_stored(place, some)


def test_simulated_faults_lose_nothing(place, run):
    backend = run("backend", "--generators", "0", "--db-fault-ratio", "0.5")
    expected = orders(2000)
    place.publish_orders(expected)
    all_stored(place, expected)
    assert backend.value("store_retries_total") > 0
    assert backend.value("worker_jobs_total", result="stored") == 2000


# Redis

@pytest.mark.parametrize("fault", ["refuse", "stall"])
def test_without_redis_it_goes_on(place, run, wires, fault):
    backend = run("backend", "--generators", "0", wires=wires)
    until(lambda: '"redis":"up"' in backend.get("/ready").text)
    getattr(wires.redis, fault)()
    some = orders(100)
    place.publish_orders(some)
    until(lambda: place.count() == 100, 2)
    until(lambda: unacked(backend) == 0, 2)
    assert backend.get("/ready").status_code == 200
    assert sorted(place.rows()) == sorted(some)


# Tables that another implementation made

def foreign(place, columns):
    place.sql(f"create table fruits ({columns})")
    place.sql("insert into fruits (name, quantity) values ('pears', 7), ('apples', 8)")


@pytest.mark.parametrize("columns", [
    "id serial primary key, name varchar(50), quantity integer, created_at timestamp default current_timestamp",
    "id serial primary key, name varchar not null, quantity integer not null, created_at timestamptz not null default now()",
    "id bigint generated by default as identity primary key, name text, quantity bigint, note text default 'theirs'",
], ids=["SQLAlchemy's", "stricter", "without a time"])
def test_a_table_that_was_there_first(place, run, columns):
    foreign(place, columns)
    run("backend", "--generators", "0")
    frontend = run("frontend")
    some = orders(10, "pears")
    place.publish_orders(some + some[:3])
    until(lambda: place.count() == 12)
    assert place.rows()[:2] == [(None, "pears", 7), (None, "apples", 8)]
    assert sorted(place.rows()[2:]) == sorted(some)
    assert frontend.get("/fruit?name=pears").json()["total_quantity"] == 7 + sum(quantity for *_, quantity in some)
    place.sql("insert into fruits (name, quantity) values ('pears', 1000)")  # theirs goes on writing as before


def test_a_table_of_something_else_is_named(place, run):
    place.sql("create table fruits (id serial primary key, colour text)")
    backend = run("backend", "--generators", "0", ready=False)
    backend.may_complain = True
    until(lambda: "is not ours" in backend.log_text())
    assert backend.get("/ready").json()["dependencies"]["postgres"] == "down"
    place.publish_orders(orders(3))
    stays(lambda: place.count("fruits") == 0)


def test_one_row_of_500_that_their_check_refuses(place, run):
    foreign(place, "id serial primary key, name varchar(50), quantity integer check (quantity <> 13)")
    good = [(str(uuid.uuid4()), "grapes", 100 + n) for n in range(499)]
    bad = str(uuid.uuid4())
    place.publish_orders(good[:321] + [(bad, "grapes", 13)] + good[321:])
    until(lambda: place.waiting() == 500)
    backend = run("backend", "--generators", "0")
    until(lambda: place.count() == 501 and place.has("dead_letter") and place.count("dead_letter") == 1)
    assert sorted(place.rows()[2:]) == sorted(good) or sorted(row for row in place.rows() if row[0]) == sorted(good)
    [(identity, reason, body)] = place.dead_letters()
    assert identity == bad and "23514" in reason and body == b'{"fruit": "grapes", "quantity": 13}'
    assert backend.value("store_splits_total") >= 5
    assert backend.value("worker_jobs_total", kind="fruit", result="dead_letter") == 1
    assert backend.value("worker_jobs_total", kind="fruit", result="stored") == 499
    until(lambda: unacked(backend) == 0 and place.waiting() == 0)


def test_names_that_do_not_fit_their_column(place, run):
    foreign(place, "id serial primary key, name varchar(6), quantity integer")
    run("backend", "--generators", "0")
    place.publish_orders([(None, "pears", 1), (None, "bananas", 2), (None, "oranges", 3), (None, "grapes", 4)])
    until(lambda: place.count() == 4 and place.count("dead_letter") == 2)
    assert all("22001" in reason for _, reason, _ in place.dead_letters())


def test_the_table_is_dropped_while_it_runs(place, run):
    """42P01 blames no message, either; the next start makes the table."""
    backend = run("backend", "--generators", "0")
    place.sql("drop table fruits")
    some = orders(5)
    place.publish_orders(some)
    until(lambda: backend.value("store_retries_total") > 0)
    assert place.dead_letters() == []
    backend.crash()
    run("backend", "--generators", "0")
    all_stored(place, some)


def test_two_backends_start_at_once_and_share_the_work(place, run):
    both = [run("backend", "--generators", "0", ready=False) for _ in range(2)]
    until(lambda: all(backend.ready() for backend in both))
    expected = orders(4000)
    place.publish_orders(expected)
    all_stored(place, expected)
    assert sum(backend.value("worker_jobs_total", result="stored") for backend in both) == 4000
