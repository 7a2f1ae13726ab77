"""worker_job_duration_seconds{kind}: quantiles of the time that a job takes in the backend, from its start to its end."""

from workshop.course import Wrong, expect

HELLOS, FRUITS, DELAY_MS = 6, 4, 60
KINDS = ("hello", "fruit")
NAME = "worker_job_duration_seconds"


def check(t):
    backend = t.mine("backend", "--generators", "0", "--job-delay", str(DELAY_MS))
    page = backend.page()
    found = expect.family(page, NAME, "summary", labels=None, where="the backend's /metrics")
    label(found)
    start(page)
    work(t, backend)
    page = backend.page()
    counts(page)
    durations(t, page)


def label(found):
    if "job" in found.label_names() - {"kind"}:
        raise Wrong(f"{NAME} has a label job", expected="the label kind",
                    likely="Prometheus gives every series a label job of its own, the name of what it scraped, and would "
                    "rename yours to exported_job")
    if found.samples:
        expect.label_names(found, ["kind"])


def start(page):
    for kind in KINDS:
        if page.value(f"{NAME}_count", kind=kind) is None:
            raise Wrong(f'there is no {NAME}{{kind="{kind}"}} before the first such job', expected="its count, 0",
                        likely="bind one for each kind in bind_metrics, with the name from kind_names")
        for quantile in ("0.5", "0.9", "0.99"):
            if not page.samples(NAME, kind=kind, quantile=quantile):
                raise Wrong(f"{NAME} has no quantile {quantile}", expected="QUANTILES(.5, .9, .99), WINDOW(600)",
                            likely="a summary tells only the quantiles that it was declared with, none by default")
    expect.bounded(page, f"{NAME}_count", "kind", KINDS, "what could not be understood is no job whose time says anything")


def work(t, backend):
    """Publishes the jobs and one that nobody understands, and waits until the broker has heard that each is done."""
    for _ in range(HELLOS):
        t.place.publish("hello")
    for quantity in range(1, FRUITS + 1):
        t.place.publish({"fruit": "pears", "quantity": quantity})
    t.place.publish({"fruit": "stones", "quantity": 1})
    jobs = HELLOS + FRUITS + 1
    t.until(lambda: backend.page().value("amqp_acked_total") == jobs, 10,
            lambda: Wrong(f"{backend.page().value('amqp_acked_total'):g} of {jobs} jobs were done within 10 s",
                          expected="all of them", likely="measuring must not hold up the work"))


def counts(page):
    for kind, count in zip(KINDS, (HELLOS, FRUITS)):
        told = page.value(f"{NAME}_count", kind=kind)
        if told != count:
            raise Wrong(f'{NAME}_count{{kind="{kind}"}} is {told:g} after {count} such jobs', expected=f"{count}",
                        likely="is it observed once a job, in worker_job_finished, under the job's own kind?")
    expect.bounded(page, f"{NAME}_count", "kind", KINDS, "what could not be understood is no job whose time says anything")


def durations(t, page):
    told, least = page.value(f"{NAME}_sum", kind="hello"), HELLOS * DELAY_MS / 1000
    if told > 100 * least:
        raise Wrong(f"{NAME} is not in seconds: the sum is {told:.0f} after {HELLOS} jobs of {DELAY_MS / 1000:g} s each",
                    expected=f"about {least:.2f}", likely="its name says seconds; clock_seconds gives them")
    if told < 0.9 * least:
        raise Wrong(f"{NAME}'s sum is {told:.3g} after {HELLOS} jobs of {DELAY_MS / 1000:g} s each",
                    expected=f"about {least:.2f}", likely="a job lasts from job->started to its end; measure at the end")
    median = page.value(NAME, kind="hello", quantile="0.5")
    t.saw(f"{HELLOS} jobs took {told:.2f} s together; their median is {median:.3f} s")
