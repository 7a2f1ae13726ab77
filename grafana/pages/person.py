"""The person lab: its requests by rate, errors and duration, the people in its store, and what it uses."""

from panels import page, stat, timeseries

API = 'job="person",path=~"/persons?/.*|/person"'  # of people, not the pages that machines ask for

PAGE = page("person", "Lab: person", "People in memory, over HTTP: rate, errors, duration, and how full the store is.", [
    [
        stat("Requests a second", "reqps", {
            "requests": f"sum(rate(http_requests_total{{{API}}}[$__rate_interval]))",
        }, """Shows how many requests about people are answered. Normal: what the scenario asks, some 900 a second while
           it creates, then 35, then 30. Otherwise: 0 means that nobody asks, or nobody answers."""),
        stat("Requests refused because the store is full", "reqps", {
            "507": 'sum(rate(http_requests_total{job="person",code="507"}[$__rate_interval]))',
        }, """Shows creations that were answered with 507. Normal: 0. Otherwise: the store has as many people as it may;
           delete some, or start the lab anew.""", limits={0.001: "red"}),
        stat("People", "short", {
            "people": 'sum(person_store_count{job="person"})',
        }, """Shows how many people are in the store, of 100,000 that it takes. Normal: 49,500 after the first scenario.
           Otherwise: see created and deleted; past 100,000 creations are refused.""", limits={80000: "orange", 95000: "red"}),
    ],
    "Requests",
    [
        timeseries("Requests by route", "reqps", {
            "{{method}} {{path}}": f"sum by (method, path) (rate(http_requests_total{{{API}}}[$__rate_interval])) > 0",
        }, """Shows each route's share. Normal: POST until 50,000 are made, PUT for two minutes, DELETE for some seconds
           from 30 s on, GET for ten minutes. Otherwise: a part that is missing was dropped, see the page of traffic.""",
                   stacked=True, width=2),
        timeseries("Answers by status", "reqps", {
            "{{code}}": 'sum by (code) (rate(http_status_code{job="person"}[$__rate_interval])) > 0',
        }, """Shows how requests ended. Normal: 200, 201, 204, and some 404. Otherwise: 400 is a client that sends bad
           JSON, 507 a full store, 503 a program without memory.""", stacked=True, width=2),
        timeseries("Asked for and not there", "percentunit", {
            "not found": f"""sum(rate(person_not_found_total{{job="person"}}[$__rate_interval]))
                / sum(rate(http_requests_total{{{API},path!~"/person|/person/list"}}[$__rate_interval])) >= 0""",
        }, """Shows the share of requests for one person that met nobody. Normal: high in the first seconds, a quarter of
           the reads after the deletions. Otherwise: somebody asks for people who are gone.""", high=1, width=1),
    ],
    "Duration",
    [
        timeseries("95 % answered within", "s", {
            "{{method}} {{path}}": f"""histogram_quantile(0.95, sum by (method, path, le)
                (rate(http_request_duration_seconds_bucket{{{API}}}[$__rate_interval]))) >= 0""",
        }, """Shows the time that one request in twenty exceeds, to the width of a bucket. Normal: just below the upper
           end of the delay that the setting gives. Otherwise: the program is short of processor time.""", width=2),
        timeseries("Being worked on", "short", {
            "{{method}}": 'sum by (method) (http_requests_in_progress{job="person",method!="other"})',
        }, """Shows requests that wait out their delay. Normal: 50 POST while the scenario creates, as it has 50 users;
           GET is at least 1, the scrape itself. Otherwise: by Little's law it is rate times duration."""),
    ],
    "Changes",
    [
        timeseries("Created and deleted", "ops", {
            "created": 'sum(rate(person_created_total{job="person"}[$__rate_interval]))',
            "deleted": 'sum(rate(person_deleted_total{job="person"}[$__rate_interval]))',
        }, """Shows what changes the number of people. Normal: created until 50,000 are made, deleted for some seconds.
           Otherwise: compare with the number of people, whose slope is the difference."""),
        timeseries("Size of bodies", "bytes", {
            "half are below": """histogram_quantile(0.5, sum by (le)
                (rate(person_payload_size_bytes_bucket{job="person"}[$__rate_interval]))) >= 0""",
            "mean": """sum(rate(person_payload_size_bytes_sum{job="person"}[$__rate_interval]))
                / sum(rate(person_payload_size_bytes_count{job="person"}[$__rate_interval])) >= 0""",
        }, """Shows how long bodies of POST and PUT are. Normal: between 100 and 200 bytes. Otherwise: a client sends more
           than a person."""),
    ],
    "Process",
    [
        timeseries("Processor", "percent", {
            "app_cpu_usage_percent": 'sum(app_cpu_usage_percent{job="person"})',
            "by the counter": '100 * sum(rate(process_cpu_seconds_total{job="person"}[$__rate_interval]))',
        }, """Shows processor time used, 100 % being one core: as the program says it, over its last five seconds, and from
           the counter, over any time one likes. Normal: a few percent. Otherwise: near 100 % it is the limit."""),
        timeseries("Memory", "bytes", {
            "resident": 'sum(process_resident_memory_bytes{job="person"})',
            "app_memory_usage_megabytes": '1e6 * sum(app_memory_usage_megabytes{job="person"})',
        }, """Shows memory that is held. Normal: about 12 MB with 50,000 people; it does not shrink when they leave, since
           free() keeps it. Otherwise: memory that grows while the number of people does not is a leak."""),
    ],
])
