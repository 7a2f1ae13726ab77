/* GET /hello: publishes "hello", and answers when the broker has confirmed it. */
#ifndef FRONTEND_HELLO_H
#define FRONTEND_HELLO_H

struct app;
struct http_exchange;

/* A handler; `app` is the struct app. 200 `Hello, World!`, or 503. Takes --hello-delay first. */
void hello_get(struct http_exchange *x, void *app);

/* Answers 503 to the requests whose delay outlasts the shutdown. */
void hello_give_up(struct app *app);

#endif
