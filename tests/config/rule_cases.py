"""What the rules are tested with: for every alert, stories in which it must fire, and others in which it must not.

A story is told in steps, the same in both scales; a step is 5 s in the classroom and 1 min in production. 100 steps
are longer than any alert waits or looks back, but for those on budgets, whose stories are told per scale.

    counter((10, 100), (0, 100))     grows by 10 a step for 100 steps, then stands still for 100
    gauge((1, 100), (0, 100))        is 1 for 100 steps, then 0
    GONE                             in the place of a value: the series is not there (its target is not)

promtool is asked at the end of each step of `silent` and `firing` whether the alert fires.
"""

from dataclasses import dataclass, field

GONE = None


def gauge(*phases):
    return " ".join(f"stale _x{steps - 1}" if value is GONE else f"{value}+0x{steps - 1}" for value, steps in phases)


def counter(*phases, start=0):
    """A phase may be a word: "restart" begins again at 0."""
    words, now = [], start
    for phase in phases:
        if phase == "restart":
            now = 0
            continue
        growth, steps = phase
        if growth is GONE:
            words.append(f"stale _x{steps - 1}")
            continue
        words.append(f"{now}+{growth}x{steps - 1}")
        now += growth * steps
    return " ".join(words)


@dataclass(frozen=True)
class Case:
    alert: str
    story: str
    series: dict
    firing: tuple = ()
    silent: tuple = ()
    scales: tuple = ("classroom", "production")
    every: int = 0                               # seconds between evaluations, where that is not a step
    labels: dict = field(default_factory=dict)   # which it must bear where it fires


def fault(alert, story, series, **more):
    """Healthy for 100 steps, broken for 100, healthy for 100: fires at the end of the second part alone."""
    return Case(alert, story, series, firing=(199,), silent=(99, 100, 299), **more)


def never(alert, story, series, steps=250, **more):
    return Case(alert, story, series, silent=tuple(range(10, steps, 5)), **more)


BROKEN = ((1, 100), (0, 100), (1, 100))  # 1 is healthy
RAISED = ((0, 100), (1, 100), (0, 100))  # 0 is healthy
BLIP = ((1, 100), (0, 1), (1, 199))      # too short to be worth a call

QUEUED = 'rabbitmq_detailed_queue_messages{queue="task_queue"}'
CONSUMERS = 'rabbitmq_detailed_queue_consumers{queue="task_queue"}'
DONE = 'worker_jobs_total{job="backend",kind="fruit",result="stored"}'
TWICE = 'worker_jobs_total{job="backend",kind="fruit",result="duplicate"}'
SENT = 'amqp_published_total{job="frontend",result="confirmed"}'
PROBE = 'probe_success{job="blackbox"}'
MEMORY, DISK = "rabbitmq_alarms_memory_used_watermark", "rabbitmq_alarms_free_disk_space_watermark"
HIT, MISS = 'cache_requests_total{result="hit"}', 'cache_requests_total{result="miss"}'
PEOPLE = 'person_store_count{job="person"}'
MADE, REFUSED = (f'http_requests_total{{job="person",code="{code}",method="POST",path="/person"}}' for code in (201, 507))
READ = 'http_request_duration_seconds_count{job="person",method="GET",path="/person/:id"}'
READS = READ.replace("_count{", '_bucket{le="%s",')
ECHOED, ECHO_FAILED, ECHO_UNKNOWN = (f'muzz_echo_requests_total{{job="echo",method="{method}",status="{status}"}}' for method, status in
                                     (("Echo", "OK"), ("Echo", "INTERNAL"), ("other", "UNIMPLEMENTED")))
ECHO_TIMED = 'muzz_echo_request_latency_seconds_count{job="echo",method="Echo"}'
ECHO_TIMES = ECHO_TIMED.replace("_count{", '_bucket{le="%s",')
GRPC_CLOSED = 'grpc_connection_errors_total{job="echo",reason="protocol"}'
IN_USE, ALLOWED = 'pg_stat_activity_count{instance="a",state="idle"}', 'pg_settings_max_connections{instance="a",server="b"}'


def up(job, *phases):
    return {f'up{{job="{job}",instance="a"}}': gauge(*phases or ((1, 300),))}


# The three whose counts are compared are there, and have been for long.
OBSERVED = up("frontend") | up("backend") | up("rabbitmq-queues") | {
    'process_start_time_seconds{job="frontend"}': gauge((-90000, 300)),
    'process_start_time_seconds{job="backend"}': gauge((-90000, 300))}

EXPORTER_UP, OTHER_UP = 'up{job="exporter",instance="a"}', 'up{job="exporter",instance="b"}'
SOURCE_UP, OTHER_SOURCE = 'syseng_up{job="exporter",instance="a"}', 'syseng_up{job="exporter",instance="b"}'
SERVED, SERVED_5XX = ('syseng_http_requests_total{job="exporter",instance="a",code="%s"}' % code for code in ("200", "500"))
TIMED, TIME = ('syseng_http_request_duration_seconds_%s{job="exporter",instance="a"}' % part for part in ("count", "sum"))

CASES = [
    fault("FrontendUnreachable", "the probe fails", {PROBE: gauge(*BROKEN)} | up("frontend")),
    fault("FrontendUnreachable", "nobody knows of a frontend", {PROBE: gauge((1, 100), (GONE, 100), (1, 100))}
          | up("frontend", (1, 100), (GONE, 100), (1, 100))),
    never("FrontendUnreachable", "all is well", {PROBE: gauge((1, 300))} | up("frontend")),
    never("FrontendUnreachable", "one probe fails", {PROBE: gauge(*BLIP)} | up("frontend")),

    fault("QueueStalled", "the backend is gone", {
        QUEUED: gauge((0, 100), (50, 100), (0, 100)), DONE: counter((10, 100), (GONE, 100), "restart", (10, 100))}),
    fault("QueueStalled", "the backend is there and does nothing", {
        QUEUED: gauge((2, 100), (50, 100), (2, 100)), DONE: counter((10, 100), (0, 100), (10, 100))}),
    never("QueueStalled", "jobs are worked off", {QUEUED: gauge((50, 300)), DONE: counter((10, 300))}),
    never("QueueStalled", "there is nothing to do", {QUEUED: gauge((0, 300)), DONE: counter((0, 300))}),

    fault("QueueHasNoConsumers", "the consumer left", {CONSUMERS: gauge(*BROKEN)}),
    never("QueueHasNoConsumers", "it comes back at once", {CONSUMERS: gauge(*BLIP)}),
    never("QueueHasNoConsumers", "there is no queue", {}),

    fault("BrokerAlarm", "memory", {MEMORY: gauge(*RAISED), DISK: gauge((0, 300))}),
    fault("BrokerAlarm", "disk", {MEMORY: gauge((0, 300)), DISK: gauge(*RAISED)}),
    never("BrokerAlarm", "no alarm", {MEMORY: gauge((0, 300)), DISK: gauge((0, 300))}),

    fault("BacklogGrowing", "too much comes in, then nothing any more", {QUEUED: gauge((0, 100)) + " 0+300x99 29700-290x99"}),
    never("BacklogGrowing", "a long queue that gets shorter", {QUEUED: "40000-100x299"}),
    never("BacklogGrowing", "a short one that goes up and down", {QUEUED: " ".join(["0+3x4 12-3x3"] * 33)}),

    # 60 a step are published, 600 are lost while others work on.
    Case("MessagesLost", "somebody empties the queue", OBSERVED | {
        SENT: counter((60, 300)), QUEUED: gauge((700, 101), (100, 199)), DONE: counter((60, 300))},
         firing=(115,), silent=(99, 101, 200)),
    fault("MessagesLost", "one message in ten is lost", OBSERVED | {
        SENT: counter((60, 300)), QUEUED: gauge((3, 300)), DONE: counter((60, 100), (54, 100), (60, 100))}),
    never("MessagesLost", "all is done", OBSERVED | {
        SENT: counter((60, 300)), QUEUED: gauge((3, 300)), DONE: counter((60, 300))}),
    never("MessagesLost", "what is not done waits in the queue", OBSERVED | {
        SENT: counter((60, 300)), QUEUED: "0+20x299", DONE: counter((40, 300))}),
    never("MessagesLost", "a backlog is worked off, and the broker tells it 10 s before the backend", OBSERVED | {
        SENT: counter((60, 300)), QUEUED: "8000+0x98 7600-400x19 0+0x180",
        DONE: counter((60, 100), (460, 20), (60, 180))}, scales=("classroom",)),
    never("MessagesLost", "messages are done twice", OBSERVED | {
        SENT: counter((60, 300)), QUEUED: gauge((3, 300)), DONE: counter((60, 300)), TWICE: counter((30, 300))}),
    never("MessagesLost", "the backend restarts, and with it what it had counted since it was asked last", OBSERVED | {
        SENT: counter((60, 300)), QUEUED: gauge((600, 100), (0, 200)), DONE: counter((60, 100), "restart", (60, 200)),
        'process_start_time_seconds{job="backend"}': gauge((-90000, 100)) + " <now>+0x199"}),
    never("MessagesLost", "the backend is killed and stays away", OBSERVED | up("backend", (1, 100), (0, 200)) | {
        SENT: counter((60, 300)), QUEUED: "3+0x99 3+50x199", DONE: counter((60, 100), (GONE, 200)),
        'process_start_time_seconds{job="backend"}': gauge((-90000, 100), (GONE, 200))}),
    never("MessagesLost", "the load begins and ends", OBSERVED | {
        SENT: counter((0, 100), (60, 100), (0, 100)), QUEUED: gauge((0, 300)),
        DONE: counter((0, 101), (60, 100), (0, 99))}, scales=("classroom",)),  # a scrape is 5 s late, not a minute

    fault("CacheUseless", "Redis is gone", {HIT: counter((60, 100), (0, 100), (60, 100)),
                                            MISS: counter((60, 100), (120, 100), (60, 100))}),
    never("CacheUseless", "a third is answered", {HIT: counter((60, 300)), MISS: counter((120, 300))}),
    never("CacheUseless", "hardly anybody asks", {HIT: counter((0, 300)), MISS: counter((1, 300))}),
    never("CacheUseless", "nobody asks", {HIT: counter((0, 300)), MISS: counter((0, 300))}),

    fault("ConnectionsHigh", "170 of 200", {IN_USE: gauge((6, 100), (170, 100), (6, 100)), ALLOWED: gauge((200, 300))}),
    never("ConnectionsHigh", "150 of 200", {IN_USE: gauge((150, 300)), ALLOWED: gauge((200, 300))}),

    fault("CardinalityHigh", "a name got into a label", {
        'scrape_samples_post_metric_relabeling{job="frontend"}': gauge((550, 100), (1200, 100), (550, 100))},
        labels={"service": "frontend"}),
    never("CardinalityHigh", "as many as there should be", {
        'scrape_samples_post_metric_relabeling{job="frontend"}': gauge((900, 300))}),
    never("CardinalityHigh", "a server has many", {
        'scrape_samples_post_metric_relabeling{job="rabbitmq"}': gauge((1900, 300))}),

    fault("PersonStoreFull", "creations are refused", {
        REFUSED: counter((0, 100), (10, 100), (0, 100)), MADE: counter((60, 300))}),
    never("PersonStoreFull", "all are made", {REFUSED: counter((0, 300)), MADE: counter((60, 300))}),
    never("PersonStoreFull", "the lab does not run", {MADE.replace("person", "frontend", 1): counter((60, 300))}),

    fault("PersonStoreNearlyFull", "95,000 people", {PEOPLE: gauge((49500, 100), (95000, 100), (49500, 100))}),
    never("PersonStoreNearlyFull", "half of what it takes", {PEOPLE: gauge((50000, 300))}),
    never("PersonStoreNearlyFull", "the lab does not run", {}),

    # Of 120 reads a step a third takes 0.25 to 0.5 s.
    fault("PersonReadsSlow", "a third is slow", {
        READS % "0.25": counter((120, 100), (80, 100), (120, 100)), READS % "0.5": counter((120, 300)),
        READS % "+Inf": counter((120, 300)), READ: counter((120, 300))}),
    never("PersonReadsSlow", "none is", {
        READS % "0.05": counter((120, 300)), READS % "0.25": counter((120, 300)), READS % "+Inf": counter((120, 300)),
        READ: counter((120, 300))}),
    never("PersonReadsSlow", "a read now and then", {
        READS % "0.25": counter((0, 300)), READS % "0.5": counter((1, 300)), READS % "+Inf": counter((1, 300)),
        READ: counter((1, 300))}),

    fault("EchoCallsFail", "a third fails", {
        ECHO_FAILED: counter((0, 100), (200, 100), (0, 100)), ECHOED: counter((400, 300))}),
    never("EchoCallsFail", "the tenth that the lab lets fail", {ECHO_FAILED: counter((100, 300)), ECHOED: counter((900, 300))}),
    never("EchoCallsFail", "of a call now and then", {ECHO_FAILED: counter((1, 300)), ECHOED: counter((0, 300))}),
    never("EchoCallsFail", "clients ask for what is not there", {ECHO_UNKNOWN: counter((900, 300)), ECHOED: counter((600, 300))}),
    never("EchoCallsFail", "the lab does not run", {}),

    # Of 600 calls a step one in ten takes 0.2 to 0.4 s and one in thirty up to 0.8 s.
    fault("EchoSlow", "a thirtieth takes half a second", {
        ECHO_TIMES % "0.2048": counter((600, 100), (540, 100), (600, 100)),
        ECHO_TIMES % "0.4096": counter((600, 100), (580, 100), (600, 100)),
        ECHO_TIMES % "0.8192": counter((600, 300)), ECHO_TIMES % "+Inf": counter((600, 300)), ECHO_TIMED: counter((600, 300))}),
    never("EchoSlow", "the lab's delays", {
        ECHO_TIMES % "0.0256": counter((300, 300)), ECHO_TIMES % "0.0512": counter((600, 300)),
        ECHO_TIMES % "+Inf": counter((600, 300)), ECHO_TIMED: counter((600, 300))}),
    never("EchoSlow", "a call now and then", {
        ECHO_TIMES % "0.2048": counter((0, 300)), ECHO_TIMES % "0.8192": counter((1, 300)),
        ECHO_TIMES % "+Inf": counter((1, 300)), ECHO_TIMED: counter((1, 300))}),

    fault("EchoConnectionsFail", "a scanner comes by", {GRPC_CLOSED: counter((0, 100), (30, 100), (0, 100))},
          labels={"service": "echo"}),
    never("EchoConnectionsFail", "none is closed", {GRPC_CLOSED: counter((0, 300))}),
    never("EchoConnectionsFail", "one, once", {GRPC_CLOSED: counter((0, 100), (1, 1), (0, 199))}),
    never("EchoConnectionsFail", "the lab does not run", {}),

    fault("ServerDown", "Redis stopped", {'redis_up{job="redis"}': gauge(*BROKEN), 'pg_up{job="postgres"}': gauge((1, 300))},
          labels={"service": "redis"}),
    fault("ServerDown", "PostgreSQL stopped", {'redis_up{job="redis"}': gauge((1, 300)), 'pg_up{job="postgres"}': gauge(*BROKEN)},
          labels={"service": "postgres"}),
    never("ServerDown", "both run", {'redis_up{job="redis"}': gauge((1, 300)), 'pg_up{job="postgres"}': gauge((1, 300))}),

    fault("TargetDown", "an exporter is gone", up("node", *BROKEN), labels={"service": "node"}),
    never("TargetDown", "a restart", up("backend", *BLIP)),
    never("TargetDown", "nobody makes load", up("traffic", (0, 300)) | up("frontend")),

    Case("Watchdog", "always", {}, firing=(1, 100)),

    fault("SourcesDown", "one of two", {EXPORTER_UP: gauge((1, 300)), OTHER_UP: gauge((1, 300)),
                                        SOURCE_UP: gauge((1, 300)), OTHER_SOURCE: gauge(*BROKEN)}),
    fault("SourcesDown", "both exporters are away, and tell of no source", {
        EXPORTER_UP: gauge(*BROKEN), OTHER_UP: gauge(*BROKEN), SOURCE_UP: gauge((1, 100), (GONE, 100), (1, 100)),
        OTHER_SOURCE: gauge((1, 100), (GONE, 100), (1, 100))}),
    never("SourcesDown", "all are well", {EXPORTER_UP: gauge((1, 300)), SOURCE_UP: gauge((1, 300))}),
    never("SourcesDown", "there is no exporter", {}),
    fault("SourceDown", "it does not answer", {SOURCE_UP: gauge(*BROKEN), OTHER_SOURCE: gauge((1, 300))},
          labels={"instance": "a"}),
    never("SourceDown", "one scrape is missed", {SOURCE_UP: gauge(*BLIP)}),
    never("SourceDown", "there is no exporter", {}),
    fault("SourceErrors", "a fifth fails", {SERVED: counter((400, 300)), SERVED_5XX: counter((0, 100), (100, 100), (0, 100))}),
    never("SourceErrors", "one in fifty fails, and then it is started anew", {
        SERVED: counter((400, 100), "restart", (400, 200)), SERVED_5XX: counter((8, 100), "restart", (8, 200))}),
    never("SourceErrors", "hardly anybody asks", {SERVED: counter((0, 300)), SERVED_5XX: counter((1, 300))}),
    fault("SourceSlow", "two seconds each", {TIMED: counter((50, 300)), TIME: counter((5, 100), (100, 100), (5, 100))}),
    never("SourceSlow", "it is fast", {TIMED: counter((50, 300)), TIME: counter((5, 300))}),
    never("SourceSlow", "nobody asks", {TIMED: counter((0, 300)), TIME: counter((0, 300))}),
]


# Budgets. 1,000 requests a step, of which so many are bad: the steps of each part, per scale.

def served(*phases):
    """Of /hello and /fruit; [(bad of 1000, steps)]"""
    return {'http_requests_total{job="frontend",method="GET",endpoint="/hello",code="200"}':
            counter(*((1000 - bad, steps) for bad, steps in phases)),
            'http_requests_total{job="frontend",method="GET",endpoint="/hello",code="503"}': counter(*phases)}


def answered(*phases):
    """GET /hello; [(slower than 0.75 s of 1000, steps)]"""
    hello = 'job="frontend",method="GET",endpoint="/hello"'
    return {f"http_latency_count{{{hello}}}": counter(*((1000, steps) for _, steps in phases)),
            f'http_latency_bucket{{{hello},le="0.75"}}': counter(*((1000 - bad, steps) for bad, steps in phases))}


def budget(slo, requests):
    """The stories of one objective; `requests` makes its series."""
    fast, slow = f"{slo}BurnsFast", f"{slo}BurnsSlowly"
    room, school = ("classroom",), ("production",)
    slow_fault, clean = requests((0, 300), (20, 200), (0, 100)), requests((5, 300))
    silence, anew = {series: counter((0, 300)) for series in clean}, requests((0, 150))
    return [
        # 4.8 % over 5 min is 72 s of 20 %; the short window lets go 23 s after the end.
        Case(fast, "20 % are bad", requests((0, 100), (200, 40), (0, 100)), silent=(99, 113, 147), firing=(115, 139), scales=room),
        # 14.4 % over an hour is 43 min of 20 %.
        Case(fast, "20 % are bad", requests((0, 400), (200, 60), (0, 60)), silent=(399, 442, 466), firing=(444, 459), scales=school),
        # 6 % over 6 h are 5 h 9 min of 7 %, of which the pair of 1 h says nothing.
        Case(fast, "7 % are bad", requests((0, 400), (70, 360), (0, 60)), silent=(399, 705), firing=(712, 759), scales=school),
        # 1 % over 24 min is 12 min of 2 %; over three days, a day and a half.
        Case(slow, "2 % are bad", slow_fault, silent=(299, 442, 530), firing=(446, 499), scales=room),
        Case(fast, "2 % are bad", slow_fault, silent=(499,), scales=room),
        Case(slow, "2 % are bad", requests((0, 4400), (20, 2200)), silent=(4395, 6540), firing=(6585,), scales=school, every=900),
        *(never(name, "one in 200 is bad", clean) for name in (fast, slow)),
        *(never(name, "nobody asks", silence) for name in (fast, slow)),
        *(never(name, "nothing was ever bad, so nobody counted it", dict([next(iter(requests((0, 300)).items()))]))
          for name in (fast, slow) if slo == "Availability"),
        *(never(name, "the program begins anew", {series: f"{text} {text}" for series, text in anew.items()})
          for name in (fast, slow)),
    ]


CASES += budget("Availability", served) + budget("Latency", answered)
