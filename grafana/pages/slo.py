"""Objectives: how good the service is, how good it must be, and how much may still go wrong."""

from panels import gauge, page, stat, timeseries

USERS = 'job="frontend",method=~"GET|POST",endpoint=~"/hello|/fruit"'
HELLO = 'job="frontend",method="GET",endpoint="/hello"'


def burn_rates(slo):
    """Of all windows that the loaded rules have: those of a class differ from those of production."""
    record = "slo:burn_rate:rate"
    return {"over {{window}}":
            f'label_replace({{__name__=~"{record}.+",slo="{slo}"}}, "window", "$1", "__name__", "{record}(.+)")'}


PAGE = page("slo", "Objectives", "What users were promised, whether it is kept, and how much may still go wrong.", [
    [
        stat("Answers that were no failure", "percentunit", {
            "availability": '1 - slo:error_ratio:rate5m{slo="availability"}',
        }, """Shows the share of requests to /hello and /fruit, in the last five minutes, whose answer was not 5xx;
           99 % were promised: from there on it is green. Normal: 100 %. Otherwise: Frontend says which endpoint fails,
           and why.""",
             limits={0.99: "green"}, color_below="red", decimals=2, height=6),
        stat("GET /hello within 0.75 s", "percentunit", {
            "latency": '1 - slo:error_ratio:rate5m{slo="latency"}',
        }, """Shows the share of GET /hello, in the last five minutes, that took 0.75 s at most; 99 % were promised:
           from there on it is green. Normal: 100 % or little less, since it dawdles for 0.5 s at most. Otherwise: the
           heat map of Frontend says since when.""",
             limits={0.99: "green"}, color_below="red", decimals=2, height=6),
        gauge("Error budget that is left", "percentunit", {
            "{{slo}}": "slo:error_budget_remaining:ratio",
        }, """Shows what is left of the failures that the promise allows: with 99 %, one request in a hundred over
           the whole period, which is four hours in a class. Normal: above a half. Otherwise: at 0 the promise is
           broken; leave off what is risky until the bad hours are past.""",
              limits={0.25: "orange", 0.5: "green"}, color_below="red", height=6, width=2),
    ],
    [
        timeseries("Share of requests that break the promise", "percentunit", {
            "{{slo}}": "slo:error_ratio:rate5m",
            "allowed": "1 - max(slo:objective)",
        }, """Shows failures over five minutes, and how many the objective allows in the long run. Normal: at 0.
           Otherwise: above the line of what is allowed the budget shrinks, below it grows again."""),
        timeseries("Error budget over time", "percentunit", {
            "{{slo}}": "slo:error_budget_remaining:ratio",
        }, """Shows the same as the gauge above, as it went. Normal: flat. Otherwise: a steep fall is an outage, a
           slow one a small fault that lasts; both may end the budget.""", low=None, high=1),
    ],
    [
        timeseries("Burn rate of availability, by window", "short", burn_rates("availability"), """Shows how many times faster than allowed the budget is spent: at 1 it lasts just as long as its period.
           Normal: 0. Otherwise: an alert fires when a long window says that it matters and a short one that it still
           goes on."""),
        timeseries("Burn rate of latency, by window", "short", burn_rates("latency"), """Shows the same of the latency of GET /hello. Normal: 0. Otherwise: see which part is slow on Frontend."""),
    ],
    [
        timeseries("Requests that count, and that fail", "reqps", {
            "count": f'sum(rate(http_requests_total{{{USERS}}}[$__rate_interval]))',
            "fail": f'sum(rate(http_requests_total{{{USERS},code=~"5.."}}[$__rate_interval]))',
        }, """Shows what the availability is made of. Normal: nothing fails. Otherwise: with few requests a single
           failure weighs much."""),
        timeseries("GET /hello, and what of it was too slow", "reqps", {
            "count": f'sum(rate(http_latency_count{{{HELLO}}}[$__rate_interval]))',
            "slow": f'''sum(rate(http_latency_count{{{HELLO}}}[$__rate_interval]))
                - sum(rate(http_latency_bucket{{{HELLO},le="0.75"}}[$__rate_interval]))''',
        }, """Shows what the latency is made of; requests that took longer than 0.75 s are slow. Normal: none.
           Otherwise: 0.75 is a bound of the histogram, which is why it can be counted exactly."""),
    ],
])
