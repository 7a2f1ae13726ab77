/* A job's line; see job_log.h. */
#include "backend/job_log.h"

static void write_line(struct recorder *r, const struct job_line *line)
{
    struct trace_texts texts;
    struct log_field fields[6 + TRACE_FIELDS + 1];
    size_t n = 0;
    fields[n++] = LOG_STR("kind", line->kind);
    fields[n++] = LOG_STR("result", line->result);
    fields[n++] = LOG_DBL("seconds", line->seconds);
    n += trace_fields(line->trace, &texts, fields + n);
    if (line->message_id[0])
        fields[n++] = LOG_STR("message_id", line->message_id);
    if (line->reason[0])
        fields[n++] = LOG_STR("reason", line->reason);
    if (r->silent)
        fields[n++] = LOG_INT("silent_before", (long long)r->silent);
    fields[n].key = NULL;
    r->silent = 0;
    log_write(line->reason[0] ? LOG_WARN : LOG_INFO, "job", fields);
}

void job_log(struct recorder *r, const struct job_line *line)
{
    if (recorder_wants(r, line->trace, line->reason[0] != '\0'))
        write_line(r, line);
}
