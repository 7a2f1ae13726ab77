"""Prometheus itself: what it reads, what it keeps, what it costs."""

from panels import bars, page, stat, timeseries

PAGE = page("prometheus", "Prometheus", "What Prometheus reads, what it keeps, and what that costs.", [
    [
        stat("Series", "short", {
            "series": "sum(prometheus_tsdb_head_series)",
        }, """Shows how many series it holds in memory. Normal: some thousands, and steady. Otherwise: a number that
           keeps growing is a label with ever new values; the panel on series of a target finds the job.""",
             limits={50000: "orange", 200000: "red"}),
        stat("Samples read a second", "short", {
            "samples": "sum(rate(prometheus_tsdb_head_samples_appended_total[$__rate_interval]))",
        }, """Shows what is stored a second. Normal: about a fifth of the series, for each is read every 5 s.
           Otherwise: it falls when targets do not answer."""),
        stat("Alerts that fire", "short", {
            "firing": 'count(ALERTS{alertstate="firing",severity!="none"}) or vector(0)',
        }, """Shows alerts that fire now, the watchdog aside. Normal: 0. Otherwise: Alertmanager has them, each with
           a link to what to do.""", limits={1: "red"}),
        stat("Configuration is the newest", "bool_yes_no", {
            "read": "min(prometheus_config_last_reload_successful)",
        }, """Shows whether the last try to read the configuration went well. Normal: yes. Otherwise: an edit has a
           mistake, and the old one is in force; its log says which line.""", limits={1: "green"}, color_below="red"),
    ],
    [
        bars("Targets that answer, by job", "percentunit", {
            "{{job}}": "avg by (job) (up)",
        }, """Shows the share of each job's targets whose page could be read. Normal: 1 for all. Otherwise: that
           program is down, or its page takes longer than 4 s.""", high=1, limits={1: "green"}, color_below="red", height=10),
        timeseries("How long a page takes to read", "s", {
            "{{job}}": "max by (job) (scrape_duration_seconds)",
        }, """Shows the slowest target of each job. Normal: milliseconds. Otherwise: near 4 s it is given up, and its
           graphs get holes.""", limits={4: "red"}, height=10),
        timeseries("Series of a target", "short", {
            "{{job}}": "sum by (job) (scrape_samples_scraped)",
        }, """Shows how many samples each job's pages have. Normal: some hundred each, and steady. Otherwise: the one
           that grows has a label without bounds, such as a user's name.""", stacked=True, height=10),
    ],
    [
        timeseries("How long queries take", "s", {
            "{{quantile}}": 'max by (quantile) (prometheus_engine_query_duration_seconds{slice="inner_eval"})',
        }, """Shows the time to evaluate a query, dashboards and rules alike. Normal: milliseconds. Otherwise: a
           query reads too many series; a recording rule makes it cheap."""),
        timeseries("How long rules take", "s", {
            "all groups": "sum(prometheus_rule_group_last_duration_seconds)",
            "the slowest group": "max(prometheus_rule_group_last_duration_seconds)",
        }, """Shows how long the last evaluation of the rules took. Normal: milliseconds. Otherwise: near the
           interval of 5 s evaluations are skipped, and alerts come late.""", limits={5: "red"}),
        timeseries("Memory", "bytes", {
            "resident": 'sum(process_resident_memory_bytes{job="prometheus"})',
            "in Go's heap": 'sum(go_memstats_heap_inuse_bytes{job="prometheus"})',
        }, """Shows what Prometheus holds. Normal: some 100 MB, more with each series. Otherwise: at 512 MB, where
           the container's limit is, it is ended and starts anew.""", limits={512 << 20: "red"}),
        timeseries("Exemplars kept", "short", {
            "exemplars": "sum(prometheus_tsdb_exemplar_exemplars_in_storage)",
        }, """Shows how many requests are kept as examples of a bucket, with their trace_id. Normal: it grows up to a
           fixed number while there is traffic. Otherwise: 0 means that the storage of exemplars is not switched on."""),
    ],
])
