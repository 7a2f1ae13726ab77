/* A delivery on its way into the database, and what may become of it. */
#ifndef BACKEND_JOB_H
#define BACKEND_JOB_H

#include "amqp/consumer.h"
#include "contract/message.h"
#include "contract/recorder.h"
#include "contract/uuid.h"

/* The `result` label of worker_jobs_total. */
enum job_result { JOB_STORED, JOB_DUPLICATE, JOB_DEAD_LETTER, JOB_DONE, JOB_RESULTS };

/* The `kind` label; unknown is what could not be understood. */
enum job_kind { JOB_HELLO, JOB_FRUIT, JOB_UNKNOWN, JOB_KINDS };

struct job {
    struct amqp_tag tag;
    enum job_kind kind;
    uint64_t started;     /* clock_now at the delivery */
    struct trace trace;   /* our share of the trace that the message belongs to */
    char id[UUID_SIZE];   /* empty where the message had none that is a UUID */
    char reason[96];      /* why it is a dead letter; empty: it is a row */
    struct message order; /* of JOB_FRUIT */
    char *body;           /* as delivered, owned by the job: what a dead letter keeps */
    size_t len;
};

#endif
