"""Traffic: the load, and the system as its users see it."""

from panels import heatmap, page, stat, timeseries


def quantile(q):
    return f"histogram_quantile({q}, sum by (le) (rate(traffic_request_duration_seconds_bucket[$__rate_interval])))"


PAGE = page("traffic", "Traffic", "The load that is made, and the system as its users see it.", [
    [
        stat("Target rate", "reqps", {
            "target": "sum(traffic_target_rate)",
        }, """Shows the rate that the open loop was told to keep. Normal: what was given as --rate; "Closed loop"
           means that there is none, since users take turns instead. Otherwise: restart traffic with another --rate.""",
             words={0: ("Closed loop", None)}),
        stat("Users", "short", {
            "users": "sum(traffic_users)",
        }, """Shows the users of the closed loop, each of whom waits for an answer before asking again. Normal: 10; 0
           in the open loop. Otherwise: restart traffic with another --users."""),
        stat("Rate that was made", "reqps", {
            "made": "sum(rate(traffic_requests_total[$__rate_interval]))",
        }, """Shows requests that ended. Normal: the rate to be made; with 10 users about 25. Otherwise: answers take
           longer, and users who wait ask less; that is why a closed loop hides trouble."""),
        stat("Requests that fail", "percentunit", {
            "failed": '''sum(rate(traffic_requests_total{code=~"5..|error"}[$__rate_interval]))
                / sum(rate(traffic_requests_total[$__rate_interval]))''',
        }, """Shows the share of 5xx and of requests without an answer. Normal: 0. Otherwise: those without an answer
           are not in the frontend's own numbers; only whoever asks can count them.""", limits={0.001: "orange", 0.01: "red"},
             decimals=2),
        stat("Requests never sent", "reqps", {
            "dropped": "sum(rate(traffic_dropped_iterations_total[$__rate_interval]))",
        }, """Shows requests a second that the open loop left out, since too many were unanswered. Normal: 0.
           Otherwise: the frontend cannot answer at this rate; every figure of latency is then too good.""", limits={0.1: "red"}),
    ],
    [
        timeseries("Requests, by endpoint", "reqps", {
            "{{method}} {{endpoint}}": "sum by (method, endpoint) (rate(traffic_requests_total[$__rate_interval]))",
        }, """Shows what is asked for. Normal: a third each. Otherwise: an endpoint that answers slowly gets less of
           the closed loop.""", stacked=True),
        timeseries("Requests, by answer", "reqps", {
            "{{code}}": "sum by (code) (rate(traffic_requests_total[$__rate_interval]))",
        }, """Shows what came back. Normal: 200. Otherwise: 503 is a refusal while a server is away; error is no
           answer at all: refused, lost, or too late.""", stacked=True),
    ],
    [
        heatmap("Latency as users see it", "s",
                "sum by (le) (increase(traffic_request_duration_seconds_bucket[$__rate_interval]))",
                """Shows how many requests fell into which bucket. In the open loop the time counts from when the
                request was to be sent, so that a stall is seen by all who waited. Normal: one band for /fruit, one
                from 0.1 to 0.5 s for /hello. Otherwise: compare with the same heat map of the frontend: what is here
                alone is waiting.""",
                width=3),
        timeseries("Latency by quantile", "s", {
            "half": quantile(0.5), "95 %": quantile(0.95), "99 %": quantile(0.99),
        }, """Shows how long half, 95 and 99 of 100 requests take at most. Normal: all below 0.5 s. Otherwise: a 99 %
           far above the 95 % means that few are hit, but hard.""", width=2),
        timeseries("Mean latency, at both ends", "s", {
            "user": """sum(rate(traffic_request_duration_seconds_sum[$__rate_interval]))
                / sum(rate(traffic_request_duration_seconds_count[$__rate_interval]))""",
            "frontend": """sum(rate(http_latency_sum{endpoint=~"/hello|/fruit"}[$__rate_interval]))
                / sum(rate(http_latency_count{endpoint=~"/hello|/fruit"}[$__rate_interval]))""",
        }, """Shows the mean as the user and as the frontend measure it. Normal: the same within a millisecond.
           Otherwise: the difference is spent between the two, in the network and in queues before the frontend
           looks.""", width=2),
    ],
])
