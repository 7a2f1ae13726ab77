/*
 * Metrics with plain sockets, one request at a time: http://127.0.0.1:8000/metrics.
 *
 *     cc metrics_socket.c $(pkg-config --cflags --libs workshop_metrics) -o metrics_socket
 *     ./metrics_socket 8000
 */
#include <arpa/inet.h>
#include <metrics/metrics.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

COUNTER(requests, "hello_requests_total", "Requests answered.");
HISTOGRAM(took, "hello_request_seconds", "Time to answer a request.", BUCKETS_DEFAULT);

static void answer(int client)
{
    char request[4096];
    struct buf page = {0};
    if (read(client, request, sizeof request) > 0 && metrics_write_text(&page) == OK)
        dprintf(client, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n%s",
                METRICS_TEXT_CONTENT_TYPE, buf_len(&page), buf_cstr(&page));
    buf_free(&page);
    counter_inc(&requests);
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(argc > 1 ? (uint16_t)atoi(argv[1]) : 8000),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    signal(SIGPIPE, SIG_IGN); /* a client that leaves early must not end the program */
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 16))
        return perror("listen"), 1;
    for (int client; (client = accept(listener, NULL, NULL)) >= 0; close(client))
        TIME (&took)
            answer(client);
    return 0;
}
