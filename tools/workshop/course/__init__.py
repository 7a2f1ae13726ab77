"""The course: a student's tree made from the product, exercises that check themselves, progress, hints, solutions.

    marks.py       which lines of the product belong to an exercise      tree.py      mine/: start, solve
    catalogue.py   exercises/NN-name/ as objects                         progress.py  what passed, hints given
    compiling.py   builds mine/, the compiler's first error in words     commands.py  the words of the command line
    checking.py    Check: what a check can ask for                       report.py    what a check says
    running.py     a program under check, with requests and its end      place.py     a vhost and databases of its own
    exposition.py  /metrics read strictly: Page, Growth                  expect.py    what a teacher says of metrics
    history.py     real pages laid out in time: five minutes of Prometheus in a second
    judging.py     a query judged by its answer, with a word on the mistake      counting.py  the truth without PromQL
    alerting.py    rules: promtool, stories that an alert must end rightly, tests that must notice a broken rule

An exercise is a directory exercises/NN-name/:

    README.md      the text. Its first line is the title: `# 4. A histogram of latencies`
    hints.json     a list of strings; `./workshop hint` gives one more each time
    check.py       `def check(t): …`, below
    needs.json     optional: the numbers of the exercises without which this one cannot pass
    files/         optional: what `start` puts into mine/ for it, such as files/answers/06/rate.promql
    solution/      optional: what `solve` puts into mine/ on top of the marked C lines, under the same names
    solution.json  optional: {"answers/08/redis.json": "grafana/dashboards/redis.json"}, the product's own files
    mutants/*.toml plausible wrong answers, each with what the check must say; see tests/course/mutants.py

The C part of the solution is the lines of frontend/ and backend/ that bear its mark (marks.py).

A check is a function that returns when all is well, and raises Wrong as soon as something is not. It never sleeps and
never looks at a counter that others move: programs, vhost, databases are its own (`t.place`).

    from workshop.course import Wrong, expect

    def check(t):
        frontend = t.mine("frontend")              # builds mine/, starts it on a private port, waits until it is ready
        t.product("backend", "--generators", "0")  # the product's own, as the other side of the check
        before = frontend.page()                   # /metrics, read strictly
        for _ in range(7):
            frontend.get("/hello")
        grown = frontend.page() - before
        expect.family(grown.after, "hello_total", "counter")          # type, labels, with a teacher's words
        if grown.of("hello_total") != 7:
            raise Wrong(f"hello_total grew by {grown.of('hello_total'):g} for 7 requests GET /hello",
                        expected="7: one for each request", likely="is counter_inc in hello_get?")
        t.saw("hello_total grew by 7 for 7 requests")                 # told at the end of a check that passes

What `t` offers (checking.py):

    t.exercise, t.root, t.tree            the exercise, the checkout, the directory mine/ (paths)
    t.mine(name, *flags, env={}, ready=True)      frontend or backend of mine/ → Running
    t.product(name, *flags, env={}, ready=True)   frontend, backend or traffic of the product → Running
    t.spawn(name, argv, env={}, port=None)        anything else that has to end with the check → Running
    t.stack                               the Stack whose servers run (t.stack.rabbitmq.ui_url, .prometheus.api …)
    t.servers("prometheus", …)            starts servers of the stack that do not run yet; they stay up
    t.place                               vhost, database, Redis database; .environment() .rows() .sql() .waiting()
                                          .publish(body) .redis("GET", key) .insert("pears", 3); its tables exist (place.py)
    t.answer("answers/06/rate.promql")    the text of the student's file; Wrong where it is missing or empty
    t.until(function, seconds, wrong)     polls until it returns something true, which is handed back;
                                          else raises wrong (a Wrong, or a function that makes one)
    t.scratch                             an empty directory, removed at the end
    t.saw(text)                           a line for the report

What a Running offers (running.py): .get(path) .post(path, json) .request(method, path, body, headers) → Answer(status,
body, headers, .json(), .seconds); .page() → Page; .url .port .pid .alive .log_text(); .end() → exit status. A crash,
a hang or garbage becomes a Wrong by itself, with the signal and the last line of its log.

A Page (exposition.py): page.families[name] → Family(name, type, help, samples); page.value(name, **labels), the sum over
the samples that bear these labels, None where there is none; page.labels(name); page - before → Growth, with .of(name,
**labels), which takes a series that is not there for 0, .before, .after.

answers.query(t, path), .rows(api, query), .number(api, query) put an answer in PromQL to such a Prometheus (answers.py).

Answers 6 to 10 need Prometheus with a truth that is known: t.servers("prometheus") is the stack's own. One that scrapes
only the check's programs, every second, is t.prometheus({"frontend": frontend.url}, rules=None, interval="1s") → Api; it
takes five seconds until it scrapes. Where the past matters, history.py has an answer at once, and the same each time.
"""

from . import answers, expect
from .exposition import Garbage, Growth, Page, parse
from .report import Wrong

__all__ = ["answers", "Garbage", "Growth", "Page", "Wrong", "expect", "parse"]
