/* What the publisher and the consumer have in common, for programs: the queue, and the limit of a
 * message. */
#ifndef AMQP_QUEUE_H
#define AMQP_QUEUE_H

#include <stdbool.h>

#define AMQP_BODY_MAX (1024 * 1024) /* bytes of a message's body, either way */

/* Declared durable, by both sides; the broker refuses another type than the queue has (406). */
struct amqp_queue {
    const char *name;
    bool quorum; /* x-queue-type: quorum; else classic */
};

#endif
