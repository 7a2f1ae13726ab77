"""What a native Prometheus scrapes: the files targets/JOB.json that prometheus/prometheus.yml asks for.

Job by job as in prometheus/targets/compose/, with loopback addresses and the copy's own ports in place of host names.
"""

import json

from .ports import HOST, number

# Job → the name of its port in ports.PORTS.
JOBS = {
    "frontend": "frontend",
    "backend": "backend",
    "traffic": "traffic",
    "rabbitmq": "rabbitmq-metrics",
    "rabbitmq-queues": "rabbitmq-metrics",
    "node": "node",
    "postgres": "postgres-exporter",
    "redis": "redis-exporter",
    "prometheus": "prometheus",
    "alertmanager": "alertmanager",
}
NOT_NATIVE = ("grafana", "loki", "alloy")  # no Debian package has them


# The same of the labs, which have no targets while they do not run: what is not there is not down.
LAB_JOBS = {"person": "person", "echo": "echo-metrics", "exporter": "exporter"}
WITH_A_LAB = ("prometheus",)  # all that runs besides where a lab runs alone
LOADS = "targets/loads.json"  # what makes load for labs: begun empty, kept by loadkeeper.py; the job traffic reads it


def targets(offset, labs=(), alone=False):
    """Job → content of its file; `labs` are those that run, `alone` whether the workshop itself does not."""
    def at(name):
        return f"{HOST}:{number(name, offset)}"

    found = {job: [{"targets": [at(name)]}] for job, name in JOBS.items()}
    found |= {job: [{"targets": [at(name)]}] if job in labs else [] for job, name in LAB_JOBS.items()}
    found["blackbox"] = [{"targets": [f"http://{at('frontend')}/health"], "labels": {"__prober": at("blackbox")}}]
    found |= {job: [] for job in NOT_NATIVE}
    return {job: [] if alone and job not in (*WITH_A_LAB, *labs) else content for job, content in found.items()}


def files(offset, labs=(), alone=False):
    """File name → text."""
    return {f"targets/{job}.json": json.dumps(content) + "\n" for job, content in targets(offset, labs, alone).items()}
