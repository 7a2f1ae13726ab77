"""What a native Prometheus scrapes: the files targets/JOB.json that prometheus/prometheus.yml asks for.

Job by job as in prometheus/targets/compose/, with loopback addresses and the copy's own ports in place of host names.
"""

import json

from .ports import HOST, PORTS

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


def targets(offset):
    """Job → content of its file."""
    def at(name):
        return f"{HOST}:{PORTS[name] + offset}"

    found = {job: [{"targets": [at(name)]}] for job, name in JOBS.items()}
    found["blackbox"] = [{"targets": [f"http://{at('frontend')}/health"], "labels": {"__prober": at("blackbox")}}]
    return found | {job: [] for job in NOT_NATIVE}


def files(offset):
    """File name → text."""
    return {f"targets/{job}.json": json.dumps(content) + "\n" for job, content in targets(offset).items()}
