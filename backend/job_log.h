/* A job's line in the log, when it is finished. */
#ifndef BACKEND_JOB_LOG_H
#define BACKEND_JOB_LOG_H

#include "backend/job.h"

/* What the line says of a job. */
struct job_line {
    const struct trace *trace;
    const char *kind, *result;
    const char *message_id; /* empty where it had none */
    const char *reason;     /* why it is a dead letter, or empty */
    double seconds;
};

/* Writes it, if the job is to have one. A dead letter is notable, and a warning. */
void job_log(struct recorder *r, const struct job_line *line);

#endif
