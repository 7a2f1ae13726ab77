/* What the backend needs, for /ready and /health (http/builtin.h). */
#ifndef BACKEND_READY_H
#define BACKEND_READY_H

struct app;

/* Call once, before a server listens. */
void ready_setup(struct app *app);

#endif
