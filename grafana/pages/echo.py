"""The echo lab: its calls by rate, errors and duration; the summary beside the histogram; what HTTP/2 carries them."""

from panels import page, stat, timeseries

ALL = 'sum(rate(muzz_echo_requests_total{job="echo"}[$__rate_interval]))'
DURATION, LATENCY = "muzz_echo_request_duration_seconds", "muzz_echo_request_latency_seconds"
BUCKETS = f'sum by (le) (rate({LATENCY}_bucket{{job="echo",method="Echo"}}[$__rate_interval]))'

PAGE = page("echo", "Lab: echo", "gRPC calls: rate, errors, duration; a summary and a histogram of the same time.", [
    [
        stat("Calls a second", "reqps", {
            "calls": ALL,
        }, """Shows how many calls end. Normal: about 300 with the lab's load. Otherwise: 0 means that nobody calls, or
           nobody answers."""),
        stat("Calls that fail", "percentunit", {
            "failed": f'sum(rate(muzz_echo_requests_failed_total{{job="echo"}}[$__rate_interval])) / {ALL}',
        }, """Shows the share of calls that end with another status than OK. Normal: 10 % in the lab, which makes them fail
           on purpose, else 0. Otherwise: somebody is called from 20 % on.""",
             limits={0.15: "orange", 0.2: "red"}, decimals=1),
        stat("99 of 100 calls end within", "s", {
            "p99": f'histogram_quantile(0.99, {BUCKETS})',
        }, """Shows the time that one call in a hundred exceeds, from the histogram. Normal: 0.05 s, the longest delay in the
           lab. Otherwise: see which of the two below says the same.""", limits={0.25: "red"}, decimals=3),
        stat("Calls under way", "short", {
            "calls": 'sum(grpc_open_calls{job="echo"})',
        }, """Shows calls that have begun and not ended. Normal: rate times duration, 8 in the lab. Otherwise: many mean long
           delays, or clients that do not take their answers."""),
    ],
    "Calls",
    [
        timeseries("Calls a second, by status", "reqps", {
            "{{status}}": 'sum by (status) (rate(muzz_echo_requests_total{job="echo"}[$__rate_interval])) > 0',
        }, """Shows how calls end. Normal: OK, and INTERNAL with --error-ratio. Otherwise: DEADLINE_EXCEEDED and CANCELLED are
           clients that did not wait, UNIMPLEMENTED and RESOURCE_EXHAUSTED clients that ask for what there is not.""",
                   stacked=True),
        timeseries("Calls of unknown methods", "reqps", {
            "other": 'sum(rate(muzz_echo_requests_total{job="echo",method="other"}[$__rate_interval]))',
        }, """Shows calls that no service takes. Normal: 0. Otherwise: a client of another version, or of another service.""",
                   low=0),
    ],
    "Duration: two ways to tell it",
    [
        timeseries("The summary's quantiles", "s", {
            "{{quantile}}": f'max by (quantile) ({DURATION}{{job="echo",method="Echo"}})',
        }, """Shows quantiles as the server has computed them, over the last minute. Normal: 28, 46 and 50 ms with the lab's
           delays of 5 to 50 ms and instant failures. Otherwise: exact to 1 %, but of several servers there is no way to one
           figure; this panel shows the worst."""),
        timeseries("The same from the histogram", "s", {
            "0.5": f"histogram_quantile(0.5, {BUCKETS})",
            "0.9": f"histogram_quantile(0.9, {BUCKETS})",
            "0.99": f"histogram_quantile(0.99, {BUCKETS})",
        }, """Shows quantiles as Prometheus works them out of buckets, over any time, of any number of servers. Normal: near
           the summary's. Otherwise: off by what a bucket is wide, here a factor of two."""),
        timeseries("Mean", "s", {
            "summary": f"""sum(rate({DURATION}_sum{{job="echo",method="Echo"}}[$__rate_interval]))
                / sum(rate({DURATION}_count{{job="echo",method="Echo"}}[$__rate_interval]))""",
            "histogram": f"""sum(rate({LATENCY}_sum{{job="echo",method="Echo"}}[$__rate_interval]))
                / sum(rate({LATENCY}_count{{job="echo",method="Echo"}}[$__rate_interval]))""",
        }, """Shows the mean from either's sum and count. Normal: one line, for both have counted the same. Otherwise: one of
           them lies."""),
    ],
    "Connections",
    [
        timeseries("Open connections", "short", {
            "connections": 'sum(grpc_open_connections{job="echo"})',
        }, """Shows HTTP/2 connections. Normal: 1, which carries all calls of the lab's client. Otherwise: one a client;
           the number of calls has nothing to do with it.""", low=0),
        timeseries("Connections closed for a fault", "ops", {
            "{{reason}}": 'sum by (reason) (rate(grpc_connection_errors_total{job="echo"}[$__rate_interval]))',
        }, """Shows connections that the server ended. Normal: 0. Otherwise: protocol is a peer that speaks no HTTP/2, or
           floods; timeout one that reads or says nothing.""", low=0),
        timeseries("Processor", "percentunit", {
            "of one core": 'sum(rate(process_cpu_seconds_total{job="echo"}[$__rate_interval]))',
        }, """Shows processor time used. Normal: below 3 %. Otherwise: near 100 % it is the limit, some 100,000 calls a
           second.""", low=0),
    ],
])
