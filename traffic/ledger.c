/* Writing down what was attempted; see ledger.h. */
#include "traffic/ledger.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static void write_lines(struct ledger *l)
{
    while (l->fd >= 0 && buf_len(&l->lines) > 0) {
        ssize_t n = write(l->fd, buf_data(&l->lines), buf_len(&l->lines));
        if (n >= 0) {
            buf_consume(&l->lines, (size_t)n);
        } else if (errno != EINTR) {
            log_error("cannot write the ledger of ids", LOG_ERR(-errno));
            loop_stop(l->loop, 1);
            buf_clear(&l->lines);
        }
    }
}

static void on_before_poll(uv_prepare_t *prepare)
{
    write_lines(prepare->data);
}

int ledger_open(struct ledger *l, struct loop *loop, const char *path, struct err *err)
{
    *l = (struct ledger){.fd = -1, .loop = loop};
    if (!path)
        return OK;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return err_set(err, ERR_INVALID, "--log-ids: cannot write %s: %s", path, err_text(-errno));
    int rc = uv_prepare_init(&loop->uv, &l->before_poll);
    rc = rc ? rc : uv_prepare_start(&l->before_poll, on_before_poll);
    l->fd = fd;
    l->before_poll.data = l;
    return rc ? err_set(err, rc, "--log-ids: %s", err_text(rc)) : OK;
}

static void check(struct ledger *l)
{
    if (buf_ok(&l->lines))
        return;
    log_error("cannot keep the ledger of ids", LOG_ERR(ERR_NOMEM));
    loop_stop(l->loop, 1);
}

void ledger_attempt(struct ledger *l, const char *uuid, const char *fruit, int quantity)
{
    if (l->fd < 0)
        return;
    buf_printf(&l->lines, "attempt %s %s %d\n", uuid, fruit, quantity);
    check(l);
}

void ledger_ack(struct ledger *l, const char *uuid, int status)
{
    if (l->fd < 0)
        return;
    buf_printf(&l->lines, "ack %s %d\n", uuid, status);
    check(l);
}

void ledger_close(struct ledger *l)
{
    if (l->fd < 0)
        return;
    write_lines(l);
    buf_free(&l->lines);
    uv_close((uv_handle_t *)&l->before_poll, NULL);
    close(l->fd);
    l->fd = -1;
}
