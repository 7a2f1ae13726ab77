"""PostgreSQL, USE: how much of it is used, what waits, what fails."""

from panels import bars, gauge, page, stat, timeseries

DEMO = '{datname="demo"}'

PAGE = page("postgres", "PostgreSQL", "USE: how much of the database is used, what waits in it, and what fails.", [
    "Utilisation",
    [
        gauge("Connections in use", "percentunit", {
            "in use": "sum(pg_stat_activity_count) / max(pg_settings_max_connections)",
        }, """Shows the share of max_connections. Normal: a few percent; each program holds a fixed pool. Otherwise:
           at 100 % nobody can connect any more; look below who has them.""",
              limits={0.7: "orange", 0.9: "red"}, height=8),
        stat("Size of the database", "bytes", {
            "size": f"sum(pg_database_size_bytes{DEMO})",
        }, """Shows what the tables and indexes take on disk. Normal: it grows in the first hour, then the backend
           deletes as much as it stores. Otherwise: rows are not deleted, or something else writes.""", height=8),
        timeseries("Rows and transactions", "short", {
            "rows inserted": f"sum(rate(pg_stat_database_tup_inserted{DEMO}[$__rate_interval]))",
            "transactions committed": f"sum(rate(pg_stat_database_xact_commit{DEMO}[$__rate_interval]))",
        }, """Shows what the database does in a second. Normal: as many rows as Overview says are stored; a
           transaction for each batch and each sum. Otherwise: rows without the backend's doing come from another
           program.""", width=2),
        timeseries("Blocks found in memory", "percentunit", {
            "found": f"""sum(rate(pg_stat_database_blks_hit{DEMO}[$__rate_interval]))
                / (sum(rate(pg_stat_database_blks_hit{DEMO}[$__rate_interval]))
                + sum(rate(pg_stat_database_blks_read{DEMO}[$__rate_interval])))""",
        }, """Shows the share of 8 kB blocks that did not have to be read from the system. Normal: above 0.99.
           Otherwise: the tables have outgrown shared_buffers (64 MB).""", high=1, width=2),
    ],
    [
        bars("Connections, by what they do", "short", {
            "{{state}}": f'sum by (state) (pg_stat_activity_count{{datname="demo",state=~"active|idle|idle in.*"}})',
        }, """Shows the connections to the database demo. Normal: idle, and one or two active. Otherwise: idle in
           transaction holds locks and is a program's fault; many active ones wait for the disk or for each other."""),
        timeseries("Connections of the programs' pools", "short", {
            "{{job}} {{state}}": 'sum by (job, state) (postgres_connections{state=~"ready|backoff|connecting"})',
        }, """Shows the pools as the programs see them. Normal: all ready. Otherwise: backoff means that PostgreSQL
           refused or was not there, and is tried again in half a second at most.""", stacked=True),
    ],
    "Saturation",
    [
        timeseries("How long a transaction takes, 95 %", "s", {
            "{{job}} {{query}}": """histogram_quantile(0.95, sum by (job, query, le)
                (rate(postgres_query_seconds_bucket{query!="insert_dead_letters"}[$__rate_interval])))""",
        }, """Shows the time from submitting to the answer, waiting for a free connection included. Normal: sums
           below 5 ms, inserts some more for the disk. Otherwise: if all climb the disk or the CPU is short, if one
           does its plan is bad."""),
        timeseries("Longest transaction that runs now", "s", {
            "longest": "max(pg_stat_activity_max_tx_duration)",
        }, """Shows how long the oldest open transaction has lasted. Normal: below a second. Otherwise: something
           holds locks and keeps old rows from being cleared: select * from pg_stat_activity shows which.""", limits={60: "red"}),
        timeseries("Locks held", "short", {
            "{{mode}}": f'sum by (mode) (pg_locks_count{{datname="demo",mode=~"accessexclusivelock|rowexclusivelock|sharelock"}})',
        }, """Shows locks at the moment of the scrape. Normal: mostly 0, now and then a row exclusive lock of an
           insert. Otherwise: access exclusive means that a table is being changed, and everybody waits."""),
    ],
    "Errors",
    [
        timeseries("Rolled back, and deadlocks", "short", {
            "rolled back": f"sum(rate(pg_stat_database_xact_rollback{DEMO}[$__rate_interval]))",
            "deadlocks": f"sum(rate(pg_stat_database_deadlocks{DEMO}[$__rate_interval]))",
        }, """Shows transactions a second that came to nothing. Normal: 0. Otherwise: the log of postgres has each
           with its reason."""),
        timeseries("Failures as the programs see them, by class", "short", {
            "{{class}}": "sum by (class) (rate(postgres_errors_total[$__rate_interval]))",
        }, """Shows units of work a second that failed. Normal: 0. Otherwise: unavailable and lost mean that
           PostgreSQL is away, timeout that it hangs, data and constraint that it was sent nonsense."""),
    ],
])
