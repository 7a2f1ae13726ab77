/* The timerfd of an open loop; see alarm.h. */
#include "traffic/alarm.h"

#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* The descriptor stays readable until it is read or set anew. It is always set anew, so reading it
 * would be one more call into the kernel for nothing. */
static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct alarm *a = poll->data;
    (void)events;
    if (status == 0)
        a->ring(a->ctx);
}

int alarm_init(struct alarm *a, struct loop *loop, void (*ring)(void *ctx), void *ctx)
{
    *a = (struct alarm){.ring = ring, .ctx = ctx};
    a->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (a->fd < 0)
        return -errno;
    int rc = uv_poll_init(&loop->uv, &a->poll, a->fd);
    if (rc != OK) {
        close(a->fd);
        return rc;
    }
    a->poll.data = a;
    return uv_poll_start(&a->poll, UV_READABLE, on_readable);
}

static void set(struct alarm *a, uint64_t ns)
{
    struct itimerspec when = {
        .it_value = {.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)}};
    int rc = timerfd_settime(a->fd, TFD_TIMER_ABSTIME, &when, NULL);
    assert(rc == 0 && "a time that the clock can show");
    (void)rc;
}

void alarm_at(struct alarm *a, uint64_t ns)
{
    assert(ns > 0 && "0 would stop it");
    set(a, ns);
}

void alarm_stop(struct alarm *a)
{
    set(a, 0);
}

void alarm_close(struct alarm *a)
{
    uv_close((uv_handle_t *)&a->poll, NULL);
    close(a->fd);
}
