/*
 * floor_consume PORT PREFETCH COUNT: takes COUNT messages off the queue and looks into none;
 * acknowledges every 500 with one basic.ack(multiple), as the backend's batches do. Prints
 * `consume RATE msg/s`, timed from the first delivery to the last.
 */
#include "broker.h"

enum { TOGETHER = 500 };

static void subscribe(amqp_connection_state_t c, uint16_t prefetch)
{
    amqp_basic_qos(c, CHANNEL, 0, prefetch, 0);
    broker_must(c, "setting the prefetch");
    amqp_basic_consume(c, CHANNEL, amqp_cstring_bytes(QUEUE), amqp_empty_bytes, 0, 0, 0,
                       amqp_empty_table);
    broker_must(c, "consuming");
}

static uint64_t take(amqp_connection_state_t c)
{
    amqp_envelope_t envelope;
    amqp_maybe_release_buffers(c);
    floor_must(amqp_consume_message(c, &envelope, NULL, 0).reply_type == AMQP_RESPONSE_NORMAL,
               "a delivery");
    uint64_t tag = envelope.delivery_tag;
    amqp_destroy_envelope(&envelope);
    return tag;
}

int main(int argc, char **argv)
{
    floor_must(argc == 4, "floor_consume PORT PREFETCH COUNT");
    uint64_t count = strtoull(argv[3], NULL, 10);
    uint16_t prefetch = (uint16_t)atoi(argv[2]);
    uint64_t together = prefetch < TOGETHER ? prefetch : TOGETHER;
    amqp_connection_state_t c = broker_connect(atoi(argv[1]));
    double start = 0;
    subscribe(c, prefetch);
    for (uint64_t n = 1; n <= count; n++) {
        uint64_t tag = take(c);
        start = n == 1 ? floor_now() : start;
        if (n % together == 0 || n == count)
            floor_must(amqp_basic_ack(c, CHANNEL, tag, 1) == 0, "acknowledging");
    }
    printf("consume %.0f msg/s\n", (double)(count - 1) / (floor_now() - start));
    /* A goodbye, so that the last acks are in before the connection is gone. */
    amqp_connection_close(c, AMQP_REPLY_SUCCESS);
    return 0;
}
