"""all_fruits is what GET /fruit answered last: higher, lower, from the database or from the cache."""

from workshop.course import Wrong, expect

KEY = "fruit_all"  # in the cache, for 5 seconds; the check deletes it to be quicker


def check(t):
    frontend = t.mine("frontend")
    expect.family(frontend.page(), "all_fruits", "gauge", where="the frontend's /metrics")
    t.place.insert("pears", 3)
    t.place.insert("grapes", 9)
    asked(t, frontend, 12, "the first answer", "is gauge_set called where the sum is known, before the answers go out?")
    t.place.insert("apples", 5)
    asked(t, frontend, 17, "more was sold", "gauge_add adds to what was there; gauge_set replaces it")
    t.place.sql("delete from fruits where name = 'grapes'")
    asked(t, frontend, 8, "less was sold in the last minute", "a gauge is set anew each time, up or down")
    t.saw("all_fruits follows the answers of GET /fruit: 12, 17, then 8")
    t.place.redis("SET", KEY, "41", "EX", "30")
    asked(t, frontend, 41, "an answer from the cache", "the gauge is set only where the database answered, so it grows "
          "stale: set it where every answer passes", delete=False)
    t.saw("also where the cache answers")
    other(t, frontend)
    expect.unavailable(t, frontend, "/fruit", KEY)
    t.saw("and where nobody knows the sum, it answers 503")


def asked(t, frontend, total, when, likely, delete=True):
    if delete:
        t.place.redis("DEL", KEY)
    answer = frontend.get("/fruit")
    if answer.status != 200 or answer.json().get("total_quantity") != total:
        raise Wrong(f"GET /fruit answers {answer.status} {answer.body.strip()[:80]}", expected=f"a total_quantity of {total}",
                    likely="the gauge must not change what is answered")
    filled(t, KEY, total)
    told = frontend.page().value("all_fruits")
    if told != total:
        raise Wrong(f"all_fruits is {told:g} after {when}, where GET /fruit said {total}", expected=f"{total}", likely=likely)


def filled(t, key, total):
    """Until the cache has the sum: the frontend need not wait for that before it answers, but the check before it goes on."""
    t.until(lambda: t.place.redis("GET", key) == str(total), 5,
            lambda: Wrong(f"the cache does not hold what GET /fruit answered: {key} is {t.place.redis('GET', key)}",
                          expected=str(total), likely="does fill_cache still run where the database has answered?"))


def other(t, frontend):
    t.place.redis("SET", "fruit_pears", "6", "EX", "30")
    frontend.get("/fruit?name=pears")
    told = frontend.page().value("all_fruits")
    if told != 41:
        raise Wrong(f"GET /fruit?name=pears set all_fruits to {told:g}", expected="41, as before: one fruit is not all",
                    likely="set it only where l->fruit is FRUIT_ALL")
    t.saw("and not where one fruit was asked for")
