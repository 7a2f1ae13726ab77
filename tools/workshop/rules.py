"""The specification of what is recorded and what alerts: objectives, burn rates, every alert, in two scales.

`./workshop rules` writes prometheus/rules/ from it (rulefile.py says how). Change this file, never those.

The same alerts exist in two scales. `production` has the windows that one wants in earnest: nobody is called for what
lasts ten seconds, and a budget lasts a month. `classroom` has windows so short that a class sees an alert fire about a
minute after its cause. Where the two differ, a value is a pair: (classroom, production).

In an expression, <name> stands for that value of the alert; its duration in seconds is <name.seconds>.
"""

from dataclasses import dataclass, field

SCALES = ("classroom", "production")


@dataclass(frozen=True)
class Objective:
    """Of what share of requests it must be true. `bad` and `all` are rates over <window>."""
    slo: str
    objective: float
    bad: str
    all: str
    promise: str


@dataclass(frozen=True)
class Burn:
    """Alerts while the budget is used up `rate` times as fast as allowed, over a long window, so that it matters, and
    over a short one, so that it is still going on."""
    long: str
    short: str
    rate: float
    severity: str


@dataclass(frozen=True)
class Alert:
    name: str
    service: str
    severity: str                 # page: somebody must act now; ticket: somebody must look this week
    dashboard: str                # the uid of the one to look at
    expr: str
    wait: tuple                   # how long it must be true
    summary: str
    description: str
    values: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Record:
    name: str
    expr: str
    values: dict = field(default_factory=dict)


# Objectives.

_SERVED = 'job="frontend",method=~"GET|POST",endpoint=~"/hello|/fruit"'
_HELLO = 'job="frontend",method="GET",endpoint="/hello"'

OBJECTIVES = (
    Objective("availability", 0.99,
              # Who has never counted a 5xx may have no such series, and the ratio would be empty.
              bad=f'sum(rate(http_requests_total{{{_SERVED},code=~"5.."}}[<window>])) or vector(0)',
              all=f"sum(rate(http_requests_total{{{_SERVED}}}[<window>]))",
              promise="99 % of requests for /hello and /fruit are answered with something else than 5xx"),
    Objective("latency", 0.99,
              bad=f"sum(rate(http_latency_count{{{_HELLO}}}[<window>]))"
                  f' - sum(rate(http_latency_bucket{{{_HELLO},le="0.75"}}[<window>]))',
              all=f"sum(rate(http_latency_count{{{_HELLO}}}[<window>]))",
              promise="99 % of the answers to GET /hello take 0.75 s at most"),
)

# The time over which the budget is meant, and the burns that alert. The classroom's burns are the production's in a
# month of four hours: its page has used 10 % of the budget when it fires, its ticket 10 % as well, but slowly.
BUDGET = ("4h", "30d")
BURNS = {
    "classroom": (Burn("5m", "30s", 4.8, "page"), Burn("24m", "2m", 1, "ticket")),
    "production": (Burn("1h", "5m", 14.4, "page"), Burn("6h", "30m", 6, "page"), Burn("3d", "6h", 1, "ticket")),
}

# What several alerts, dashboards and runbooks ask for.

_ECHO = 'job="echo",method="Echo"'
_READS = 'job="person",method="GET",path="/person/:id"'
_QUEUED = 'rabbitmq_detailed_queue_messages{queue="task_queue"}'

RECORDS = (
    Record("pipeline:published:rate", 'sum(rate(amqp_published_total{result="confirmed"}[<window>]))',
           {"window": ("30s", "5m")}),
    Record("pipeline:finished:rate", 'sum(rate(worker_jobs_total{result!="duplicate"}[<window>]))',
           {"window": ("30s", "5m")}),
    # Conservation: what was published and is neither finished nor in the queue.
    Record("pipeline:unaccounted:messages", f"""\
sum(increase(amqp_published_total{{result="confirmed"}}[<window>]))
- sum(increase(worker_jobs_total{{result!="duplicate"}}[<window>]))
- (sum({_QUEUED}) - sum({_QUEUED} offset <window>))""", {"window": ("2m", "30m")}),
)

# Alerts. What a page says must be worth getting up for, so pages are about what users feel; causes are tickets.

ALERTS = (
    Alert("FrontendUnreachable", "frontend", "page", "frontend",
          # absent(): where nothing probes and nothing is scraped, there is no series that could be 0.
          'probe_success{job="blackbox"} == 0\nor absent(up{job="frontend"})',
          wait=("30s", "2m"),
          summary="The frontend does not answer",
          description="GET /health, asked from outside, gets no answer. Nobody can order anything."),
    Alert("QueueStalled", "backend", "page", "backend",
          # `unless`, not `and … == 0`: where the backend is gone, there is no rate that could be 0.
          f"{_QUEUED} > 0\nunless on () sum(rate(worker_jobs_total[<window>])) > 0",
          wait=("20s", "5m"), values={"window": ("30s", "5m")},
          summary="Messages wait, and no job gets done",
          description="{{ $value }} messages are in task_queue, and the backend finished none in the last <window>."),
    Alert("QueueHasNoConsumers", "backend", "page", "backend",
          'sum(rabbitmq_detailed_queue_consumers{queue="task_queue"}) == 0',
          wait=("20s", "2m"),
          summary="Nobody takes messages from the queue",
          description="task_queue has no consumer: the backend does not run, or cannot reach the broker."),
    Alert("BrokerAlarm", "rabbitmq", "page", "rabbitmq",
          "rabbitmq_alarms_memory_used_watermark > 0\nor rabbitmq_alarms_free_disk_space_watermark > 0",
          wait=("10s", "1m"),
          summary="RabbitMQ takes no more messages",
          description="RabbitMQ is short of memory or disk, and holds up everybody who publishes."),
    Alert("BacklogGrowing", "backend", "ticket", "backend",
          f"deriv({_QUEUED}[<window>]) > 0\nand predict_linear({_QUEUED}[<window>], <horizon.seconds>) > <limit>",
          wait=("30s", "10m"), values={"window": ("1m", "15m"), "horizon": ("10m", "1h"), "limit": ("5000", "10000")},
          summary="More messages come in than the backend works off",
          description="If it goes on like this, more than <limit> messages wait in <horizon>."),
    Alert("MessagesLost", "backend", "ticket", "backend",
          # Scrapes of the three that are compared are seconds apart, and the broker counts every 5 s. That is of no
          # consequence while the rates stay what they are; where one changes, as when a load begins or a backlog is
          # worked off, it is mistaken by as much as changes in 10 s. A restart loses what was counted since the last
          # scrape, so nothing is said of a window in which a program began and was scraped first (some seconds later),
          # or did not answer.
          """\
pipeline:unaccounted:messages
  > 10 + 2 * max_over_time(pipeline:published:rate[<window>])
    + 10 * (max_over_time(pipeline:published:rate[<window>]) - min_over_time(pipeline:published:rate[<window>]))
    + 10 * (max_over_time(pipeline:finished:rate[<window>]) - min_over_time(pipeline:finished:rate[<window>]))
and on () min(min_over_time(up{job=~"frontend|backend|rabbitmq-queues"}[<window>])) == 1
and on () min(time() - process_start_time_seconds{job=~"frontend|backend"}) > <window.seconds> + 15""",
          wait=("45s", "5m"), values={"window": ("2m", "30m")},
          summary="Messages were published that nobody finished",
          description="{{ $value | printf \"%.0f\" }} messages of the last <window> are neither done nor in the queue."),
    Alert("CacheUseless", "redis", "ticket", "redis",
          """\
sum(rate(cache_requests_total{result="hit"}[<window>])) / sum(rate(cache_requests_total[<window>])) < 0.05
and on () sum(rate(cache_requests_total[<window>])) > 1""",
          wait=("30s", "10m"), values={"window": ("30s", "10m")},
          summary="The cache answers next to nothing",
          description="Fewer than 5 % of the requests for a sum are answered by Redis, so PostgreSQL has to."),
    Alert("ConnectionsHigh", "postgres", "ticket", "postgres",
          "sum by (instance) (pg_stat_activity_count) / on (instance) pg_settings_max_connections > 0.8",
          wait=("20s", "5m"),
          summary="PostgreSQL has few connections left",
          description="{{ $value | humanizePercentage }} of max_connections are in use. After the last, programs are refused."),
    Alert("CardinalityHigh", "{{ $labels.job }}", "ticket", "prometheus",
          'scrape_samples_post_metric_relabeling{job=~"frontend|backend|traffic"} > 1000',
          wait=("15s", "10m"),
          summary="{{ $labels.job }} exposes too many series",
          description="{{ $value }} series, of 1000 that a program may have. A label probably takes values from outside."),
    Alert("ServerDown", "{{ $labels.job }}", "ticket", "overview",
          "pg_up == 0\nor redis_up == 0",
          wait=("20s", "2m"),
          summary="{{ $labels.job }} does not answer its exporter",
          description="The exporter runs, but {{ $labels.job }} behind it does not answer."),
    Alert("TargetDown", "{{ $labels.job }}", "ticket", "prometheus",
          # Nobody is obliged to make load, so traffic may be absent; and a class's laptops come and go.
          'up{job!~"traffic|class"} == 0',
          wait=("45s", "3m"),
          summary="Prometheus cannot scrape {{ $labels.job }}",
          description="{{ $labels.job }} at {{ $labels.instance }} does not answer, so nothing is known of it."),
    # The labs. Of series that nobody has where they do not run, so that none of these can fire there.
    Alert("SourcesDown", "exporter", "page", "exporter",
          # An exporter that is down itself tells of nothing, so what is well is compared with all that should be.
          '(sum(syseng_up{job="exporter"}) or vector(0)) / count(up{job="exporter"}) < 0.75',
          wait=("30s", "5m"),
          summary="More than a quarter of the instances tell nothing",
          description="Of all instances behind exporters only {{ $value | humanizePercentage }} answer with statistics."),
    Alert("SourceDown", "exporter", "ticket", "exporter",
          'syseng_up{job="exporter"} == 0',
          wait=("45s", "15m"),
          summary="An instance's statistics cannot be read",
          description="{{ $labels.instance }} answers, but the service behind it does not, or tells nonsense. The exporter's "
                      "log has the reason."),
    Alert("SourceErrors", "exporter", "page", "exporter",
          """\
sum(rate(syseng_http_requests_total{job="exporter",code=~"5.."}[<window>]))
  / sum(rate(syseng_http_requests_total{job="exporter"}[<window>])) > 0.1
and on () sum(rate(syseng_http_requests_total{job="exporter"}[<window>])) > 1""",
          wait=("30s", "5m"), values={"window": ("1m", "10m")},
          summary="Users of the services behind exporters get errors",
          description="{{ $value | humanizePercentage }} of the requests to all instances end with 5xx."),
    Alert("SourceSlow", "exporter", "ticket", "exporter",
          """\
sum(rate(syseng_http_request_duration_seconds_sum{job="exporter"}[<window>]))
  / sum(rate(syseng_http_request_duration_seconds_count{job="exporter"}[<window>])) > 1""",
          wait=("1m", "15m"), values={"window": ("1m", "10m")},
          summary="The services behind exporters take more than a second",
          description="A request takes {{ $value | humanizeDuration }} in the mean of all instances. How long the slowest "
                      "take, a sum and a count do not tell."),
    Alert("PersonStoreFull", "person", "page", "person",
          'sum(rate(http_requests_total{job="person",code="507"}[<window>])) > 0',
          wait=("10s", "1m"), values={"window": ("20s", "2m")},
          summary="The person lab can take nobody more",
          description="{{ $value | printf \"%.1f\" }} creations a second are refused with 507: the store is full."),
    Alert("PersonStoreNearlyFull", "person", "ticket", "person",
          'sum(person_store_count{job="person"}) > 90000',
          wait=("15s", "10m"),
          summary="The person lab's store is nearly full",
          description="{{ $value }} people are in the store, of 100000 that it takes."),
    Alert("PersonReadsSlow", "person", "ticket", "person",
          f"""\
histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket{{{_READS}}}[<window>]))) > 0.25
and on () sum(rate(http_request_duration_seconds_count{{{_READS}}}[<window>])) > 1""",
          wait=("20s", "5m"), values={"window": ("30s", "5m")},
          summary="Reads of people are slow",
          description="One read in twenty takes more than {{ $value | printf \"%.2f\" }} s; its delay is 50 ms at most."),
    Alert("EchoCallsFail", "echo", "page", "echo",
          # What clients did wrong or gave up is not among these. The lab fails a tenth of its calls on purpose.
          f"""\
sum(rate(muzz_echo_requests_total{{{_ECHO},status=~"INTERNAL|UNAVAILABLE|RESOURCE_EXHAUSTED|DEADLINE_EXCEEDED"}}[<window>]))
  / sum(rate(muzz_echo_requests_total{{{_ECHO}}}[<window>])) > 0.2
and on () sum(rate(muzz_echo_requests_total{{{_ECHO}}}[<window>])) > 1""",
          wait=("20s", "5m"), values={"window": ("30s", "5m")},
          summary="Many calls of the echo lab fail",
          description="{{ $value | humanizePercentage }} of the calls fail for the server's reasons."),
    Alert("EchoSlow", "echo", "ticket", "echo",
          f"""\
histogram_quantile(0.99, sum by (le) (rate(muzz_echo_request_latency_seconds_bucket{{{_ECHO}}}[<window>]))) > 0.25
and on () sum(rate(muzz_echo_request_latency_seconds_count{{{_ECHO}}}[<window>])) > 1""",
          wait=("20s", "10m"), values={"window": ("30s", "5m")},
          summary="Calls of the echo lab are slow",
          description="One call in a hundred takes more than {{ $value | printf \"%.2f\" }} s; its delay is 50 ms at most."),
    Alert("EchoConnectionsFail", "echo", "ticket", "echo",
          'sum by (reason) (rate(grpc_connection_errors_total{job="echo"}[<window>])) > 0.1',
          wait=("10s", "5m"), values={"window": ("30s", "5m")},
          summary="The echo lab closes connections for a fault",
          description="{{ $value | printf \"%.1f\" }} connections a second are closed for the reason {{ $labels.reason }}."),
    Alert("Watchdog", "prometheus", "none", "prometheus",
          "vector(1)",
          wait=("0s", "0s"),
          summary="Alerts get through",
          description="Fires always. Where it stops arriving, Prometheus or Alertmanager does not work."),
)

BURN_NAMES = {("availability", "page"): "AvailabilityBurnsFast", ("availability", "ticket"): "AvailabilityBurnsSlowly",
              ("latency", "page"): "LatencyBurnsFast", ("latency", "ticket"): "LatencyBurnsSlowly"}
