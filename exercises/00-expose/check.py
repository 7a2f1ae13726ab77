"""Both programs have /metrics, in the format that Prometheus reads."""

from workshop.course import Wrong

OWN = {"frontend": "http_requests_total", "backend": "worker_jobs_total"}  # what each has from the start


def check(t):
    frontend = t.mine("frontend")
    page = look(frontend)
    t.saw(f"the frontend's /metrics: {len(page.families)} metrics")
    backend = t.mine("backend", ready=works(t))
    page = look(backend)
    t.saw(f"the backend's /metrics: {len(page.families)} metrics")


def works(t):
    """The backend may have no server yet: it works once the orders that it generates are stored."""
    return lambda running: t.place.rows() > 0


def look(running):
    page = running.page()
    program = running.where.split("/")[1]
    if OWN[program] not in page.families:
        raise Wrong(f"{running.name}'s /metrics has no {OWN[program]}, which {program}/ declares",
                    expected="every metric of the program",
                    likely="is the route's handler http_metrics, and not one of your own?")
    return page
