"""Redis, USE: how much of it is used, what waits, what fails."""

from panels import gauge, page, stat, timeseries

PAGE = page("redis", "Redis", "USE: how much of the cache is used, what waits for it, and what fails.", [
    "Utilisation",
    [
        gauge("Memory in use", "percentunit", {
            "in use": "sum(redis_memory_used_bytes) / sum(redis_memory_max_bytes)",
        }, """Shows the share of maxmemory. Normal: below 1 %, for there are six small keys. Otherwise: somebody else
           keeps something here; at 100 % the least used keys are dropped.""",
              limits={0.8: "orange", 0.95: "red"}, height=8, decimals=1),
        stat("Keys", "short", {
            "keys": "sum(redis_db_keys)",
        }, """Shows how many keys there are. Normal: 0 to 6, fruit_all and one a fruit, which live 5 s at most.
           Otherwise: others use the same Redis.""", height=8),
        timeseries("Commands of the programs", "ops", {
            "{{cmd}}": 'sum by (cmd) (rate(redis_commands_total{job="redis",cmd=~"get|set|del"}[$__rate_interval]))',
        }, """Shows commands a second by Redis's own count. Normal: a get for each GET /fruit that leads a look-up, a
           set for each miss, a del for each committed batch. Otherwise: compare with the rate of requests.""",
                   stacked=True, width=2),
        timeseries("Sums found in the cache", "percentunit", {
            "found": """sum(rate(redis_keyspace_hits_total[$__rate_interval]))
                / (sum(rate(redis_keyspace_hits_total[$__rate_interval]))
                + sum(rate(redis_keyspace_misses_total[$__rate_interval])))""",
        }, """Shows the share of gets that found their key. Normal: a third at 30 requests a second, for every order
           deletes its fruit's sum and that of all; more with fewer orders. Otherwise: near 0 the cache is useless.""", high=1,
                   width=2),
    ],
    [
        timeseries("Processor time that Redis uses", "percentunit", {
            "user": "sum(rate(redis_cpu_user_seconds_total[$__rate_interval]))",
            "system": "sum(rate(redis_cpu_sys_seconds_total[$__rate_interval]))",
        }, """Shows the share of one processor; Redis works with one thread. Normal: about 1 %. Otherwise: near 100 % it
           is the bottleneck; slow commands such as KEYS are the usual reason.""", stacked=True),
        timeseries("Bytes in and out", "Bps", {
            "in": "sum(rate(redis_net_input_bytes_total[$__rate_interval]))",
            "out": "sum(rate(redis_net_output_bytes_total[$__rate_interval]))",
        }, """Shows what goes through its connections. Normal: a few kilobytes a second; most of what goes out is for
           the exporter. Otherwise: large values, which do not belong here."""),
    ],
    "Saturation",
    [
        timeseries("How long a command takes, 95 %", "s", {
            "{{job}}": """histogram_quantile(0.95, sum by (job, le)
                (rate(redis_command_seconds_bucket[$__rate_interval])))""",
        }, """Shows the time from sending a command to its reply, as the programs see it. Normal: well below 1 ms.
           Otherwise: Redis, or the program's own event loop, is busy with something else."""),
        timeseries("Clients", "short", {
            "connected": "sum(redis_connected_clients)", "blocked": "sum(redis_blocked_clients)",
        }, """Shows connections to Redis. Normal: one for each frontend and backend, and the exporter's. Otherwise: a
           number that grows is a leak; redis-cli client list names them."""),
        timeseries("Keys dropped", "short", {
            "expired": "sum(rate(redis_expired_keys_total[$__rate_interval]))",
            "evicted": "sum(rate(redis_evicted_keys_total[$__rate_interval]))",
        }, """Shows keys a second whose 5 s were over, and those that had to go for want of memory. Normal: a few
           expired, evicted 0. Otherwise: the memory is full."""),
    ],
    "Errors",
    [
        timeseries("Commands that failed, as the programs see it", "ops", {
            "{{job}} {{result}}": '''sum by (job, result)
                (rate(redis_commands_total{result!="ok",result!=""}[$__rate_interval]))''',
        }, """Shows commands a second without a good reply. Normal: 0. Otherwise: lost and refused mean that Redis is
           away, timeout that it hangs; the frontend then asks PostgreSQL."""),
        timeseries("Connections and commands refused by Redis", "ops", {
            "connections": "sum(rate(redis_rejected_connections_total[$__rate_interval]))",
            "commands": "sum(rate(redis_commands_rejected_calls_total[$__rate_interval]))",
        }, """Shows connections beyond maxclients, and commands refused before they ran. Normal: 0. Otherwise:
           clients leak connections, or memory is full and nothing may be dropped."""),
    ],
])
