"""Host, USE: the machine, and what each program takes of it."""

from panels import gauge, page, timeseries

DISK = 'device!~"loop.*|ram.*|zram.*|sr.*|fd.*"'
ROOT = '{mountpoint="/"}'
USED = f"(node_filesystem_size_bytes{ROOT} - node_filesystem_free_bytes{ROOT})"

PAGE = page("host", "Host", "USE: processors, memory and disk, and what each program takes of them.", [
    [
        gauge("Processors in use", "percentunit", {
            "busy": '1 - avg(rate(node_cpu_seconds_total{mode="idle"}[$__rate_interval]))',
        }, """Shows the share of all processors' time that is not idle. Normal: below 0.7. Otherwise: the panel on
           programs says who it is; other work on the machine shows here too.""", limits={0.7: "orange", 0.9: "red"}, height=6),
        gauge("Memory in use", "percentunit", {
            "used": "1 - sum(node_memory_MemAvailable_bytes) / sum(node_memory_MemTotal_bytes)",
        }, """Shows the share of memory that could not be given to a new program. Normal: below 0.8. Otherwise: near
           1 the kernel ends programs; see which one grows.""", limits={0.8: "orange", 0.95: "red"}, height=6),
        gauge("Disk in use", "percentunit", {
            "used": f"max({USED} / ({USED} + node_filesystem_avail_bytes{ROOT}))",
        }, """Shows how full the root file system is, as df counts. Normal: below 0.8. Otherwise: RabbitMQ stops
           taking messages, then PostgreSQL stops; make room.""", limits={0.8: "orange", 0.9: "red"}, height=6),
    ],
    [
        timeseries("Processor time, by mode", "percentunit", {
            "{{mode}}": '''sum by (mode) (rate(node_cpu_seconds_total{mode!="idle"}[$__rate_interval]))
                / scalar(count(node_cpu_seconds_total{mode="idle"}))''',
        }, """Shows what the processors do, as a share of all. Normal: mostly user, some system. Otherwise: iowait is
           waiting for the disk, steal is time that the host machine keeps.""", stacked=True),
        timeseries("Runnable processes, for each processor", "short", {
            "load": 'sum(node_load1) / count(node_cpu_seconds_total{mode="idle"})',
        }, """Shows the load of the last minute divided by the processors. Normal: below 1. Otherwise: programs wait
           for their turn, and every latency grows.""", limits={1: "red"}),
    ],
    [
        timeseries("Processor time, by program", "percentunit", {
            "{{job}}": "sum by (job) (rate(process_cpu_seconds_total[$__rate_interval]))",
            "redis-server": """sum(rate(redis_cpu_user_seconds_total[$__rate_interval]))
                + sum(rate(redis_cpu_sys_seconds_total[$__rate_interval]))""",
        }, """Shows processors used: 100 % is one of them all the time; node, redis and postgres are the exporters.
           Normal: about a percent each. Otherwise: our programs have one thread; near 100 % they are at their limit.""",
                   stacked=True),
        timeseries("Memory, by program", "bytes", {
            "{{job}}": "sum by (job) (process_resident_memory_bytes)",
            "rabbitmq-server": "sum(rabbitmq_process_resident_memory_bytes)",
            "redis-server": "sum(redis_memory_used_rss_bytes)",
        }, """Shows resident memory; node, redis and postgres are the exporters. Normal: some 10 MB for each of our
           programs, 100 and more for Prometheus and the broker. Otherwise: one that grows and never falls has a
           leak.""",
                   stacked=True),
    ],
    [
        timeseries("Disk traffic", "Bps", {
            "read": f"sum(rate(node_disk_read_bytes_total{{{DISK}}}[$__rate_interval]))",
            "written": f"sum(rate(node_disk_written_bytes_total{{{DISK}}}[$__rate_interval]))",
        }, """Shows bytes a second to and from the disks. Normal: writing, hardly any reading. Otherwise: much
           reading means that memory is short."""),
        timeseries("Share of time that a disk is busy", "percentunit", {
            "{{device}}": f"rate(node_disk_io_time_seconds_total{{{DISK}}}[$__rate_interval])",
        }, """Shows how much of the time at least one request was with the disk. Normal: below 0.5. Otherwise:
           commits and confirms wait for it.""", high=1, limits={0.9: "red"}),
        timeseries("Time lost to waiting", "percentunit", {
            "processor": "sum(rate(node_pressure_cpu_waiting_seconds_total[$__rate_interval]))",
            "disk": "sum(rate(node_pressure_io_waiting_seconds_total[$__rate_interval]))",
            "memory": "sum(rate(node_pressure_memory_waiting_seconds_total[$__rate_interval]))",
        }, """Shows the share of time in which something had to wait for a resource, as the kernel measures pressure.
           Normal: a few percent. Otherwise: this is the resource that is short.""", limits={0.5: "red"}),
    ],
])
