"""What the panels show that are at 0 in health, under the trouble of trouble.py: the table that test_trouble.py checks."""

from expected import OTHERS, RATE, THIRD, between, each, near
from trouble import FLOOD, STRANDED, UNANSWERED, USERS

SOME = between(0, 1000)  # what the trouble touches, but does not make


class Rates:
    """Per second: what was done (did), and what the users of the bad frontends got."""

    def __init__(self, t):
        self.t = t
        self.cut_hello, self.cut_get = t.rate("cut GET /hello"), t.rate("cut GET /fruit")
        self.cut_fruit = self.cut_get + t.rate("cut POST /fruit")
        self.cut, self.slow = self.cut_hello + self.cut_fruit, t.rate("slow GET /hello")
        self.hello = THIRD + self.cut_hello + self.slow                    # GET
        self.fruit = 2 * THIRD + self.cut_fruit + self.did("400") + self.did("415")

    def did(self, what):
        return self.t.rate(f"did_{what}")


def overview(t, r):
    return {
        "Requests that fail": {"failed": near(r.cut / (r.hello + r.fruit + r.did("405")), 0.2)},
        "Messages that wait": {"ready": near(STRANDED, 0.05)},
        "Targets down": {"down": 1},
        "Messages into the queue, by producer": {OTHERS: SOME, "others": near(
            2 * r.did("duplicate") + r.did("unknown") + r.did("unknown fruit") + r.did("refused"), 0.3)},
        "Queue depth": {OTHERS: SOME, "ready": near(STRANDED, 0.05)},
        "Jobs out of the queue, by outcome": outcomes(r),
    }


def outcomes(r):
    return {OTHERS: SOME, "fruit duplicate": near(r.did("duplicate"), 0.3),
            "unknown dead_letter": near(r.did("unknown") + r.did("unknown fruit"), 0.3),
            "fruit dead_letter": near(r.did("refused"), 0.3)}


def frontend(t, r):
    return {
        "Answers that are not 2xx, by code": {
            "503": near(r.cut, 0.25), **{code: near(r.did(code), 0.25) for code in ("400", "404", "405", "415")}},
        "GET /hello fails": {"failed": near(r.cut_hello / (r.hello + r.did("405")), 0.25)},
        "/fruit fails": {"failed": near(r.cut_fruit / r.fruit, 0.25)},
        "Refused before a handler saw it": {"refused": near(r.did("no HTTP"), 0.25)},
        "Sums answered from the cache": {OTHERS: SOME, "error": near(r.cut_get, 0.3)},
        "Latency by quantile": {OTHERS: SOME, "GET /hello, 99 %": between(0.75, 1)},
    }


def backend(t, r):
    return {
        "Queue depth": {OTHERS: SOME, "ready": near(STRANDED, 0.05)},
        "Consumers": {"consumers": 3},
        "Deliveries": {OTHERS: SOME, "redelivered: true": between(0.2 * r.did("given back"), 2 * r.did("given back"))},
        "Jobs finished, by outcome": outcomes(r),
        "Batches that did not go through at once": each(("tried again", "split"), between(0.1, 20)),
        "Rows deleted because they are old": {"deleted": near(t.rate("pg_tup_deleted"), 0.4)},
    }


def postgres(t, r):
    return {
        "Connections, by what they do": {OTHERS: SOME, "idle in transaction": between(1, 6)},
        "Connections of the programs' pools": {OTHERS: SOME, "frontend backoff": between(1, 2)},
        "Longest transaction that runs now": {"longest": near(t.ended - t.locked, 0, 10)},
        "Locks held": {OTHERS: SOME, "accessexclusivelock": near(t.now["pg_locks"], 0, 2)},
        "Rolled back, and deadlocks": {"rolled back": near(t.rate("pg_xact_rollback"), 0.3),
                                       "deadlocks": near(t.rate("pg_deadlocks"), 0.4, 0.15)},
        "Failures as the programs see them, by class": {OTHERS: SOME, "constraint": between(r.did("refused") / 2, 20)},
    }


def redis(t, r):
    return {
        "Clients": {OTHERS: SOME, "blocked": 1},
        "Keys dropped": {OTHERS: SOME, "expired": near(t.rate("redis_expired_keys"), 0.3)},
        "Commands that failed, as the programs see it": {OTHERS: SOME, "frontend refused": near(r.cut_get, 0.3)},
        "Connections and commands refused by Redis": {"commands": near(r.did("rejected"), 0.3), "connections": 0},
    }


def rabbitmq(t, r):
    return {
        "Messages in all queues": {OTHERS: SOME, "ready": near(STRANDED, 0.05)},
        "Messages that went astray": {"redelivered": near(t.rate("amqp_redeliver"), 0.3),
                                      **each(("returned", "dropped"), near(r.did("astray"), 0.25))},
        "Connections that come and go": {"wrong password": near(r.did("wrong password"), 0.3),
                                         "opened": near(r.did("login"), 0.3, 0.3),
                                         "closed": near(r.did("login") + r.did("wrong password"), 0.3, 0.3)},
    }


def traffic(t, r):
    lost = UNANSWERED  # a second, for each is given up after one
    return {
        "Target rate": {"target": RATE + FLOOD},
        "Users": {"users": 2 * USERS},
        "Requests that fail": {"failed": near((r.cut + lost) / (RATE + r.cut + r.slow + lost), 0.2)},
        "Requests never sent": {"dropped": near(FLOOD - lost, 0.15)},
        "Requests, by answer": {OTHERS: SOME, "503": near(r.cut, 0.2), "error": near(lost, 0.3)},
    }


def slo(t, r):
    failed, late = r.cut / (r.hello + r.fruit), r.slow / r.hello
    return {
        "Answers that were no failure": {"availability": between(1 - failed, 1 - failed / 10)},  # of five minutes, not all bad
        "GET /hello within 0.75 s": {"latency": between(1 - late, 1 - late / 10)},
        "Error budget that is left": each(("availability", "latency"), between(-100, 0.5)),
        "Share of requests that break the promise": {OTHERS: SOME, "availability": between(failed / 10, failed),
                                                     "latency": between(late / 10, late)},
        "Error budget over time": each(("availability", "latency"), between(-100, 0.5)),
        "Burn rate of availability, by window": {OTHERS: between(1, 100), "over 30s": near(failed / 0.01, 0.4)},
        "Burn rate of latency, by window": {OTHERS: between(1, 100), "over 30s": near(late / 0.01, 0.4)},
        "Requests that count, and that fail": {"count": near(r.hello + r.fruit), "fail": near(r.cut, 0.2)},
        "GET /hello, and what of it was too slow": {"count": near(r.hello, 0.2), "slow": near(r.slow, 0.3)},
    }


def prometheus(t, r):
    return {
        "Configuration is the newest": {"read": 0},
        "Targets that answer, by job": {OTHERS: 1, "backend": near(2 / 3)},
    }


def table(t):
    """dashboard → panel → legend → what it must show."""
    pages = (overview, frontend, backend, postgres, redis, rabbitmq, traffic, slo, prometheus)
    return {page.__name__: page(t, Rates(t)) for page in pages}
