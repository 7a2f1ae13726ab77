"""recent_fruits{fruit}: one series for each of the five fruits, there from the start, and none that a stranger chose."""

from workshop.course import Wrong, expect
from workshop.course.place import FRUITS


def check(t):
    frontend = t.mine("frontend")
    page = frontend.page()
    expect.family(page, "recent_fruits", "gauge", labels=["fruit"], where="the frontend's /metrics")
    start(page)
    t.saw("five series from the start, each with 0")
    values(t, frontend)
    t.saw("each follows its own fruit, also where the cache answers")
    strangers(frontend)
    t.saw("and what a stranger asks for makes no series")
    expect.unavailable(t, frontend, "/fruit?name=pears", "fruit_pears")
    t.saw("where nobody knows the sum, it answers 503")


def start(page):
    for fruit in FRUITS:
        told = page.value("recent_fruits", fruit=fruit)
        if told is None:
            raise Wrong(f'there is no recent_fruits{{fruit="{fruit}"}} before the first request for it', expected="0",
                        likely="with() makes the series: call it once at the start for each fruit that you know")
    bounded(page, 'sum(recent_fruits) would count everything twice: "all" is no fruit')


def values(t, frontend):
    for quantity, fruit in enumerate(FRUITS, 1):
        t.place.insert(fruit, quantity)
        frontend.get(f"/fruit?name={fruit}")
    told(frontend, dict(zip(FRUITS, (1, 2, 3, 4, 5))), "each was asked for",
         "is gauge_set called with the gauge of the fruit that was asked for?")
    t.until(lambda: t.place.redis("GET", "fruit_pears") == "5", 5,  # or the frontend might write it after the check
            Wrong("the cache does not hold what GET /fruit?name=pears answered", expected="fruit_pears to be 5",
                  likely="does fill_cache still run where the database has answered?"))
    t.place.redis("SET", "fruit_pears", "41", "EX", "30")
    frontend.get("/fruit?name=Pears")
    told(frontend, {"pears": 41, "grapes": 4}, "an answer from the cache",
         "set only where the database answered, it grows stale: set it where every answer passes")


def told(frontend, wanted, when, likely):
    page = frontend.page()
    for fruit, quantity in wanted.items():
        found = page.value("recent_fruits", fruit=fruit)
        if found != quantity:
            raise Wrong(f'recent_fruits{{fruit="{fruit}"}} is {found:g} after {when}', expected=f"{quantity}", likely=likely)


def strangers(frontend):
    for name in ("stones", "Melons", "x%22y"):
        frontend.get(f"/fruit?name={name}")
    frontend.get("/fruit")
    bounded(frontend.page(), "the name is used as a label before it is known to be one of the five; take fruit_name(l->fruit)")


def bounded(page, likely):
    expect.bounded(page, "recent_fruits", "fruit", FRUITS, likely)
