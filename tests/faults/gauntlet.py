"""The worst moments, one after the other, while orders come in.

Each is one that a program with one line wrong (mutants/) does not survive; a program that is right loses nothing.
"""

import contextlib
import time
import uuid

from until import until


def gauntlet(system):
    """Leaves the system running, and its ledger ready to be judged."""
    with system.load() as load:
        load.flows()
        confirms_get_lost(system, load)
        commit_gets_no_answer(system, load)
        killed_before_the_commit(system, load)
        killed_with_one_batch_stuck(system, load)
        frontend_killed_with_unsent_orders(system, load)
        broker_away_past_the_deadline(system, load)
        load.flows()


def confirms_get_lost(system, load):
    """The broker has the messages; the frontend does not know, and must send them again."""
    wire = system.wires["frontend"].rabbitmq
    wire.mute()
    time.sleep(0.3)
    wire.cut()
    wire.flow()
    load.flows()


def commit_gets_no_answer(system, load):
    """Committed or not? The batch is tried again, and finds its rows there."""
    wire = system.wires["backend"].postgres
    wire.mute()
    time.sleep(0.3)
    wire.cut()
    wire.flow()
    until(system.ready)
    load.flows()


def killed_before_the_commit(system, load):
    """With the table locked nothing commits, so the backend dies with work in its hands."""
    with blocked(system.place, "lock table fruits in share mode"):
        before = system.backend.value("amqp_delivered_total")
        until(lambda: system.backend.value("amqp_delivered_total") >= before + 20)
        system.kill("backend")
        end_sessions(system.place)
    system.start("backend")
    load.flows()


def killed_with_one_batch_stuck(system, load):
    """One batch waits for a lock while later ones are committed and acknowledged; then the backend dies."""
    stuck = str(uuid.uuid4())
    with blocked(system.place, "insert into fruits (message_id, name, quantity) values (%s, 'pears', 1)", stuck):
        assert system.order(stuck) == 200
        before = system.place.count()
        until(lambda: system.place.count() > before + 40)
        time.sleep(0.1)  # for the acks
        system.kill("backend")
        end_sessions(system.place)
    system.start("backend")
    load.flows()


def frontend_killed_with_unsent_orders(system, load):
    """What it wrote gets no further than the wire, and dies there."""
    wire = system.wires["frontend"].rabbitmq
    wire.stall()
    time.sleep(0.3)
    system.crash("frontend", ready=False)
    wire.cut()
    wire.flow()
    until(system.ready)
    load.flows()


def broker_away_past_the_deadline(system, load):
    """Longer than the 2 s for which the frontend keeps trying: then 503, and no promise."""
    wire = system.wires["frontend"].rabbitmq
    wire.refuse()
    until(lambda: load.ledger.codes[503] > 20)
    wire.accept()
    until(system.ready)
    load.flows()


def end_sessions(place):
    """Those of the backend that died. Else PostgreSQL, which looks for its client only when it has an answer, would do
    what was asked as soon as the lock is gone."""
    place.sql("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'backend' "
              "and datname = current_database()")
    until(lambda: place.sql("select count(*) from pg_stat_activity where application_name = 'backend' "
                            "and datname = current_database()") == [(0,)])


@contextlib.contextmanager
def blocked(place, statement, *parameters):
    """A transaction of somebody else's, which ends with the block and leaves nothing."""
    other = place.transaction()
    try:
        other.cursor().execute(statement, parameters or None)
        yield
    finally:
        other.rollback()
        other.close()
