/*
 * The redis room by hand: redis_probe URL DEADLINE_MS
 *
 *     up                            prints "up 0|1"
 *     cmd NAME COUNT WORD…          sends COUNT equal commands
 *     flood TOTAL WINDOW WORD…      see probe.h
 *     nested NAME WORD…             a command whose callback sends it again, once
 *     closing NAME WORD…            a command whose callback closes the client
 *
 * Each command prints "end NAME status text", a refused start "refused NAME code".
 */
#include "base/log.h"
#include "probe.h"
#include "redis/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct loop loop;
static struct redis_client *client;
static bool in_start; /* a callback now would break rule 2 of the callback law */
static char *kept[PROBE_WORDS_MAX];
static int kept_count;

static void keep(int count, char **words)
{
    for (int i = 0; i < kept_count; i++)
        free(kept[i]);
    for (int i = 0; i < count; i++)
        kept[i] = strdup(words[i]);
    kept_count = count;
}

static const char *text_of(const redisReply *reply, char number[32])
{
    if (!reply)
        return "-";
    if (reply->type == REDIS_REPLY_NIL)
        return "nil";
    if (reply->type != REDIS_REPLY_INTEGER)
        return reply->str;
    snprintf(number, 32, "%lld", reply->integer);
    return number;
}

static void say_end(int status, const redisReply *reply, const char *name)
{
    char number[32];
    if (in_start)
        abort();
    probe_say("end %s %s %.60s", name, status ? err_name(status) : "OK", text_of(reply, number));
}

static void on_end(int status, const redisReply *reply, void *name)
{
    say_end(status, reply, name);
    free(name);
}

static void send_kept(const char *name, redis_cb cb)
{
    char *copy = strdup(name);
    in_start = true;
    int rc = redis_command(client, kept_count, (const char **)kept, NULL, cb, copy);
    in_start = false;
    if (rc == OK)
        return;
    probe_say("refused %s %s", name, err_name(rc));
    free(copy);
}

static void on_nested_end(int status, const redisReply *reply, void *name)
{
    say_end(status, reply, name);
    send_kept("nested-again", on_end);
    free(name);
}

static void on_closing_end(int status, const redisReply *reply, void *name)
{
    say_end(status, reply, name);
    free(name);
    loop_stop(&loop, 0);
}

static void on_flood_end(int status, const redisReply *reply, void *ctx)
{
    (void)reply;
    (void)ctx;
    probe_flood_ended(status);
}

static int start_one(void)
{
    return redis_command(client, kept_count, (const char **)kept, NULL, on_flood_end, NULL);
}

static void on_line(int count, char **words)
{
    if (strcmp(words[0], "up") == 0)
        return probe_say("up %d", redis_up(client));
    if (strcmp(words[0], "flood") == 0 && count > 3) {
        keep(count - 3, words + 3);
        return probe_flood(atol(words[1]), atol(words[2]), start_one);
    }
    if (strcmp(words[0], "cmd") == 0 && count > 3) {
        keep(count - 3, words + 3);
        for (long n = atol(words[2]); n > 0; n--)
            send_kept(words[1], on_end);
        return;
    }
    if (count < 3)
        return probe_say("what? %s", words[0]);
    keep(count - 2, words + 2);
    send_kept(words[1], strcmp(words[0], "nested") == 0 ? on_nested_end : on_closing_end);
}

static void on_client_closed(void *ctx)
{
    (void)ctx;
    keep(0, NULL);
    probe_closed();
}

static void on_close(void)
{
    in_start = true;
    redis_client_close(client, on_client_closed, NULL);
    in_start = false;
}

int main(int argc, char **argv)
{
    static const struct probe probe = {.on_line = on_line, .on_close = on_close};
    struct err err;
    if (argc < 3 || loop_init(&loop) != OK)
        return 2;
    log_setup("redis-probe", LOG_TEXT, LOG_INFO);
    const struct redis_client_options options = {.url = argv[1],
                                                 .deadline_ms = (uint32_t)atoi(argv[2])};
    client = redis_client_new(&loop, &options, &err);
    if (!client) {
        fprintf(stderr, "%s\n", err.text);
        return 2;
    }
    return probe_run(&loop, &probe);
}
