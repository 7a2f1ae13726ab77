/* The loop: stages in order, late parts, a stage that overruns, signals, a turn's metric. */
#include "base/clock.h"
#include "base/log.h"
#include "loop/loop.h"
#include "metrics/testing.h"

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char order[64];
static uv_timer_t timer;

static void note(const char *what)
{
    strncat(order, what, sizeof order - strlen(order) - 1);
}

static int start(void **state)
{
    (void)state;
    order[0] = '\0';
    log_setup("test", LOG_TEXT, LOG_ERROR);
    return 0;
}

static void accept_begins(struct loop_part *part)
{
    note("a");
    loop_part_done(part);
}
static void on_finish_timer(uv_timer_t *t)
{
    note("F");
    loop_part_done(t->data);
}
static void finish_begins(struct loop_part *part)
{
    note("f");
    timer.data = part;
    uv_timer_start(&timer, on_finish_timer, 20, 0);
}
static void close_begins(struct loop_part *part)
{
    note("c");
    uv_close((uv_handle_t *)&timer, NULL);
    loop_part_done(part);
}

static void stop_at_once(uv_timer_t *t)
{
    loop_stop(t->loop->data, 7);
    loop_stop(t->loop->data, 9); /* changes nothing */
}

static void register_all(struct loop *loop, struct loop_part parts[3])
{
    assert_int_equal(loop_init(loop), OK);
    loop->uv.data = loop;
    loop_on_shutdown(loop, STAGE_CLOSE, "c", &parts[2], close_begins);
    loop_on_shutdown(loop, STAGE_STOP_ACCEPTING, "a", &parts[0], accept_begins);
    loop_on_shutdown(loop, STAGE_FINISH, "f", &parts[1], finish_begins);
    uv_timer_init(&loop->uv, &timer);
}

static void stages_run_in_order_and_wait(void **state)
{
    (void)state;
    struct loop loop;
    struct loop_part parts[3];
    register_all(&loop, parts);
    uv_timer_start(&timer, stop_at_once, 1, 0);
    assert_int_equal(loop_run(&loop), 7);
    assert_string_equal(order, "afFc");
}

static void raise_term(uv_timer_t *t)
{
    (void)t;
    raise(SIGTERM);
}

static void signal_begins_the_shutdown(void **state)
{
    (void)state;
    struct loop loop;
    struct loop_part parts[3];
    register_all(&loop, parts);
    uv_timer_start(&timer, raise_term, 1, 0);
    assert_int_equal(loop_run(&loop), 0);
    assert_string_equal(order, "afFc");
}

static void never_done(struct loop_part *part)
{
    (void)part;
    note("n");
}

static void overrun_goes_on_and_is_told(void **state)
{
    (void)state;
    struct loop loop;
    struct loop_part parts[3], late;
    register_all(&loop, parts);
    loop_on_shutdown(&loop, STAGE_STOP_ACCEPTING, "late", &late, never_done);
    uv_timer_start(&timer, stop_at_once, 1, 0);
    uint64_t began = clock_now();
    assert_int_equal(loop_run(&loop), 1);
    double took = clock_seconds(began, clock_now());
    assert_true(took >= STAGE_STOP_ACCEPTING_LIMIT_MS / 1000.0 && took < 4);
    assert_string_equal(order, "anfFc");
}

static void second_signal_ends_at_once(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        struct loop loop;
        struct loop_part late;
        if (loop_init(&loop) != OK)
            _exit(99);
        loop_on_shutdown(&loop, STAGE_FINISH, "late", &late, never_done);
        _exit(loop_run(&loop));
    }
    int status;
    usleep(200000);
    kill(child, SIGINT);
    usleep(200000);
    kill(child, SIGINT);
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 128 + SIGINT);
}

static void removed_part_is_not_waited_for(void **state)
{
    (void)state;
    struct loop loop;
    struct loop_part parts[3], gone;
    register_all(&loop, parts);
    loop_on_shutdown(&loop, STAGE_FINISH, "gone", &gone, never_done);
    loop_part_remove(&gone);
    uv_timer_start(&timer, stop_at_once, 1, 0);
    assert_int_equal(loop_run(&loop), 7);
    assert_string_equal(order, "afFc");
}

/* The histogram must see work done in a poll callback, where sockets are served. */
static int work_pipe[2];

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    usleep(60000);
    uv_poll_stop(poll);
    uv_close((uv_handle_t *)poll, NULL);
    loop_stop(poll->loop->data, 0);
}

static double slow_turns(void)
{
    struct buf out = {0};
    assert_int_equal(metrics_write_text(&out), OK);
    const char *text = buf_cstr(&out);
    const char *all = strstr(text, "libuv_loop_iteration_seconds_bucket{le=\"+Inf\"} ");
    const char *fast = strstr(text, "libuv_loop_iteration_seconds_bucket{le=\"0.05\"} ");
    assert_non_null(all);
    assert_non_null(fast);
    double slow = strtod(strchr(all, ' '), NULL) - strtod(strchr(fast, ' '), NULL);
    buf_free(&out);
    return slow;
}

static void turn_counts_work_of_io_callbacks(void **state)
{
    (void)state;
    struct loop loop;
    struct loop_part parts[3];
    uv_poll_t poll;
    double before = slow_turns();
    register_all(&loop, parts);
    assert_int_equal(pipe(work_pipe), 0);
    uv_poll_init(&loop.uv, &poll, work_pipe[0]);
    uv_poll_start(&poll, UV_READABLE, on_readable);
    assert_int_equal(write(work_pipe[1], "x", 1), 1);
    assert_int_equal(loop_run(&loop), 0);
    assert_true(slow_turns() >= before + 1);
    close(work_pipe[0]);
    close(work_pipe[1]);
}

static double handles(const char *type, const char *active)
{
    char series[100];
    snprintf(series, sizeof series, "libuv_handles{type=\"%s\",active=\"%s\"}", type, active);
    return metric_value(NULL, series);
}

static double still, moving, iterations, turns;

static void look(uv_timer_t *t)
{
    still = handles("timer", "false");
    moving = handles("timer", "true");
    assert_true(handles("signal", "true") >= 2);
    iterations = metric_value(NULL, "libuv_loop_iterations_total");
    turns = metric_value(NULL, "libuv_loop_iteration_seconds_count");
    loop_stop(t->loop->data, 0);
}

static void nothing(uv_timer_t *t)
{
    (void)t;
}

/* Also: every turn is in the histogram, and no scrape resets it. */
static void handles_are_counted_when_asked_for(void **state)
{
    (void)state;
    struct loop loop;
    struct loop_part parts[3];
    uv_timer_t other;
    register_all(&loop, parts);
    uv_timer_init(&loop.uv, &other);
    uv_timer_start(&timer, look, 1, 0);
    double idle_then = handles("timer", "false"), moving_then = handles("timer", "true");
    uv_timer_start(&other, nothing, 100000, 0);
    assert_true(handles("timer", "false") == idle_then - 1);
    assert_true(handles("timer", "true") == moving_then + 1);
    uv_close((uv_handle_t *)&other, NULL);
    assert_int_equal(loop_run(&loop), 0);
    assert_true(still >= 1 && moving >= 0);
    assert_true(iterations >= 1 && turns == iterations);
}

static void what_is_told_can_be_switched_off(void **state)
{
    (void)state;
    const char *const series[] = {"libuv_loop_iterations_total", "libuv_loop_idle_seconds_total",
                                  "libuv_loop_iteration_seconds_count"};
    assert_int_equal(loop_metrics(false), 0);
    assert_int_equal(loop_build_info(false), 0);
    for (size_t i = 0; i < 3; i++)
        assert_true(isnan(metric_value(NULL, series[i])));
    assert_true(isnan(handles("timer", "true")));
    assert_null(metrics_expect(NULL, "", "workshop_build_info", "libuv_handles"));
    assert_int_equal(loop_metrics(true), 0);
    assert_int_equal(loop_build_info(true), 0);
    for (size_t i = 0; i < 3; i++)
        assert_false(isnan(metric_value(NULL, series[i])));
    assert_false(isnan(handles("timer", "true")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(stages_run_in_order_and_wait, start),
        cmocka_unit_test_setup(signal_begins_the_shutdown, start),
        cmocka_unit_test_setup(overrun_goes_on_and_is_told, start),
        cmocka_unit_test_setup(second_signal_ends_at_once, start),
        cmocka_unit_test_setup(removed_part_is_not_waited_for, start),
        cmocka_unit_test_setup(turn_counts_work_of_io_callbacks, start),
        cmocka_unit_test_setup(handles_are_counted_when_asked_for, start),
        cmocka_unit_test_setup(what_is_told_can_be_switched_off, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
