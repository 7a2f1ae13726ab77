"""Exporter: many instances of an old service, seen through the exporter beside each."""

from panels import page, stat, timeseries

ALL = "sum(rate(syseng_http_requests_total[$__rate_interval]))"

PAGE = page("exporter", "Lab: exporter", "All instances of a service that has no metrics, through the exporter beside each.", [
    [
        stat("Instances that are well", "percentunit", {
            "well": 'sum(syseng_up{job="exporter"}) / count(up{job="exporter"})',
        }, """Shows the share of instances whose statistics could be read at the last scrape. Normal: 100 %. Otherwise: the
           panel below names those that are not.""", limits={0: "red", 0.75: "orange", 1: "green"}, decimals=0),
        stat("Requests a second", "reqps", {
            "requests": ALL,
        }, """Shows what all instances together answer. Normal: about 15 with the lab's load. Otherwise: an instance less
           has its share missing here at once, for nothing stale is told.""", decimals=1),
        stat("Requests that fail", "percentunit", {
            "failed": f'(sum(rate(syseng_http_requests_total{{code=~"5.."}}[$__rate_interval])) or vector(0)) / {ALL}',
        }, """Shows the share of 5xx of all instances. Normal: about 2 %, for the lab's old service fails so often.
           Otherwise: somebody is called from 10 % on.""", limits={0.05: "orange", 0.1: "red"}, decimals=1),
        stat("Mean time of a request", "s", {
            "mean": """sum(rate(syseng_http_request_duration_seconds_sum[$__rate_interval]))
                / sum(rate(syseng_http_request_duration_seconds_count[$__rate_interval]))""",
        }, """Shows the mean over all instances. Normal: about 0.03 s. Otherwise: a mean hides who waits long; a sum and a
           count do not tell more.""", limits={1: "red"}),
    ],
    [
        timeseries("Requests a second, by code", "reqps", {
            "{{code}}": "sum by (code) (rate(syseng_http_requests_total[$__rate_interval]))",
        }, """Shows what the instances answer. Normal: 200, and a few 500. Otherwise: 5xx on all of them is a fault behind
           them, on one of them a fault of its machine.""", stacked=True),
        timeseries("Mean time, the slowest instances", "s", {
            "{{instance}}": """topk(5, sum by (instance) (rate(syseng_http_request_duration_seconds_sum[$__rate_interval]))
                / sum by (instance) (rate(syseng_http_request_duration_seconds_count[$__rate_interval])))""",
        }, """Shows the five instances with the longest mean. Normal: all alike. Otherwise: one far above the others is
           sick; take it out of service, then look."""),
    ],
    [
        timeseries("Instances that tell nothing", "short", {
            "source down": 'count(syseng_up{job="exporter"} == 0) or vector(0)',
            "exporter down": 'count(up{job="exporter"} == 0) or vector(0)',
        }, """Shows how many services do not answer their exporter, and how many exporters do not answer Prometheus. Normal: 0.
           Otherwise: many of the second at once mean the network or the cluster, not the service.""", low=0),
        timeseries("Questions to the sources, by result", "ops", {
            "{{result}}": "sum by (result) (rate(exporter_fetches_total[$__rate_interval]))",
        }, """Shows how the exporters' questions end. Normal: ok alone, one each 5 s an instance. Otherwise: the result is the
           reason, and the exporter's log has it in words.""", stacked=True),
        timeseries("How long a scrape takes", "s", {
            "{{instance}}": 'topk(5, scrape_duration_seconds{job="exporter"})',
        }, """Shows the five slowest scrapes; most of one is the source's own time. Normal: below 0.05 s. Otherwise: near 2 s
           the source is given up, and from 4 s on Prometheus would give up the exporter."""),
    ],
])
