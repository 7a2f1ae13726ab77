/*
 * Metrics of a job that comes and goes: too short to be scraped, it leaves a file in the directory
 * that node_exporter reads (--collector.textfile.directory), whole or not at all.
 *
 *     cc metrics_batch.c $(pkg-config --cflags --libs workshop_metrics) -o metrics_batch
 *     ./metrics_batch /var/lib/prometheus/node-exporter/backup.prom FILE...
 */
#include <metrics/metrics.h>
#include <stdio.h>
#include <sys/stat.h>

/* A registry of the job's own: process_* and metrics_errors_total would clash with those that
 * node_exporter and other jobs have. */
static struct metrics_registry job = METRICS_REGISTRY_INIT;

GAUGE_VEC_IN(job, files, "backup_files", "Files of the last run.", result);
GAUGE_IN(job, bytes, "backup_bytes", "Bytes of the last run.");
GAUGE_IN(job, took, "backup_duration_seconds", "Time the last run took.");
GAUGE_IN(job, finished, "backup_finished_timestamp_seconds", "When the last run ended.");

static void back_up(const char *path)
{
    struct stat file;
    int rc = stat(path, &file);
    gauge_inc(rc == 0 ? with(files, .result = "ok") : with(files, .result = "failed"));
    gauge_add(&bytes, rc == 0 ? (double)file.st_size : 0);
}

/* Readers see the old file or the new one: it appears under its name when it is complete. */
static int write_file(const char *path, const struct buf *page)
{
    char unfinished[4096];
    snprintf(unfinished, sizeof unfinished, "%s.tmp", path);
    FILE *f = fopen(unfinished, "w");
    if (!f)
        return -1;
    size_t written = fwrite(buf_data(page), 1, buf_len(page), f);
    if (fclose(f) || written != buf_len(page) || rename(unfinished, path))
        return remove(unfinished), -1;
    return 0;
}

int main(int argc, char **argv)
{
    struct buf page = {0};
    gauge_set(with(files, .result = "ok"), 0); /* both exist, whatever happens */
    gauge_set(with(files, .result = "failed"), 0);
    TIME (&took)
        for (int i = 2; i < argc; i++)
            back_up(argv[i]);
    gauge_set_to_current_time(&finished);
    if (argc < 2 || metrics_registry_write_text(&job, &page) || write_file(argv[1], &page))
        return perror("metrics_batch"), 1;
    buf_free(&page);
    return 0;
}
