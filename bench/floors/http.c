/* floor_http PORT: one fixed answer, that of GET /health, to whatever is asked. */
#include "server.h"

enum { TOGETHER = 64 /* answers of one read, in one write */ };

#define ANSWER                                                                                     \
    "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"                                   \
    "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 2\r\n\r\nOK"
enum { ANSWER_SIZE = sizeof ANSWER - 1 };

static char answers[TOGETHER * ANSWER_SIZE];

static void answer_all(struct connection *c, unsigned n)
{
    for (; n > TOGETHER; n -= TOGETHER)
        answer(c, answers, sizeof answers, TOGETHER);
    if (n > 0)
        answer(c, answers, n * ANSWER_SIZE, n);
}

int main(int argc, char **argv)
{
    floor_must(argc == 2, "floor_http PORT");
    for (int i = 0; i < TOGETHER; i++)
        memcpy(answers + i * ANSWER_SIZE, ANSWER, ANSWER_SIZE);
    return serve(uv_default_loop(), atoi(argv[1]), answer_all);
}
