/* A blocking connection to RabbitMQ on 127.0.0.1, with the queue declared as the workshop does. */
#ifndef FLOORS_BROKER_H
#define FLOORS_BROKER_H

#include "floor.h"

#include <string.h>

#if __has_include(<rabbitmq-c/amqp.h>)
#include <rabbitmq-c/amqp.h>
#include <rabbitmq-c/framing.h>
#include <rabbitmq-c/tcp_socket.h>
#else
#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_tcp_socket.h>
#endif

#define QUEUE "task_queue"
enum { CHANNEL = 1, FRAME_MAX = 131072 };

static inline void broker_must(amqp_connection_state_t c, const char *what)
{
    floor_must(amqp_get_rpc_reply(c).reply_type == AMQP_RESPONSE_NORMAL, what);
}

static inline amqp_connection_state_t broker_connect(int port)
{
    amqp_connection_state_t c = amqp_new_connection();
    amqp_socket_t *socket = amqp_tcp_socket_new(c);
    floor_must(socket && amqp_socket_open(socket, "127.0.0.1", port) == 0, "connecting");
    floor_must(
        amqp_login(c, "/", 0, FRAME_MAX, 0, AMQP_SASL_METHOD_PLAIN, "guest", "guest").reply_type ==
            AMQP_RESPONSE_NORMAL,
        "logging in");
    amqp_channel_open(c, CHANNEL);
    broker_must(c, "opening a channel");
    amqp_queue_declare(c, CHANNEL, amqp_cstring_bytes(QUEUE), 0, 1, 0, 0, amqp_empty_table);
    broker_must(c, "declaring the queue");
    return c;
}

#endif
