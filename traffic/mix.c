/* The requests that are made; see mix.h. */
#include "traffic/mix.h"

#include "contract/fruit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { QUANTITY_MAX = 10 };

static const int hello_codes[] = {200, 503, 0};
static const int fruit_get_codes[] = {200, 400, 503, 0};
static const int fruit_post_codes[] = {200, 400, 415, 503, 0};
static const int path_codes[] = {200, 0};

/* Finds or makes an endpoint. An entry has one endpoint, so there is room for it. */
static size_t endpoint(struct mix *mix, const char *method, const char *path, const int *codes)
{
    size_t i = 0;
    while (i < mix->endpoint_count && (strcmp(mix->endpoints[i].method, method) != 0 ||
                                       strcmp(mix->endpoints[i].path, path) != 0))
        i++;
    if (i == mix->endpoint_count)
        mix->endpoints[mix->endpoint_count++] = (struct mix_endpoint){method, path, codes, false};
    return i;
}

/* Adds an entry of `count` calls to one endpoint. NULL: out of memory. */
static struct call *entry(struct mix *mix, uint32_t count, size_t of_endpoint, const char *method)
{
    struct call *calls = calloc(count, sizeof *calls);
    if (!calls)
        return NULL;
    for (uint32_t i = 0; i < count; i++) {
        calls[i].endpoint = of_endpoint;
        calls[i].request.method = method;
    }
    mix->entries[mix->entry_count++] = (struct mix_entry){calls, count};
    return calls;
}

static int add_hello(struct mix *mix)
{
    struct call *call = entry(mix, 1, endpoint(mix, "GET", "/hello", hello_codes), "GET");
    if (!call)
        return ERR_NOMEM;
    call->request.target = "/hello";
    return OK;
}

static int add_fruit_get(struct mix *mix)
{
    size_t where = endpoint(mix, "GET", "/fruit", fruit_get_codes);
    struct call *calls = entry(mix, FRUIT_ALL + 1, where, "GET");
    for (int i = 0; calls && i <= FRUIT_ALL; i++) {
        const char *name = fruit_name((enum fruit)i);
        snprintf(calls[i].text, sizeof calls[i].text, "/fruit?name=%s", name);
        calls[i].request.target = calls[i].text;
    }
    return calls ? OK : ERR_NOMEM;
}

static void fill_post(struct call *call, const char *fruit, int quantity)
{
    call->fruit = fruit;
    call->quantity = quantity;
    snprintf(call->text, sizeof call->text, "{\"fruit\":\"%s\",\"quantity\":%d}", fruit, quantity);
    call->request.target = "/fruit";
    call->request.headers = "Content-Type: application/json\r\n";
    call->request.body = call->text;
    call->request.len = strlen(call->text);
}

static int add_fruit_post(struct mix *mix)
{
    size_t where = endpoint(mix, "POST", "/fruit", fruit_post_codes);
    struct call *calls = entry(mix, FRUIT_COUNT * QUANTITY_MAX, where, "POST");
    for (int i = 0; calls && i < FRUIT_COUNT * QUANTITY_MAX; i++)
        fill_post(&calls[i], fruit_name((enum fruit)(i % FRUIT_COUNT)), 1 + i / FRUIT_COUNT);
    return calls ? OK : ERR_NOMEM;
}

static const struct {
    const char *name;
    int (*add)(struct mix *mix);
} kinds[] = {{"hello", add_hello}, {"fruit_get", add_fruit_get}, {"fruit_post", add_fruit_post}};

/* A GET of a path as it stands, the query included. The label is the path alone. */
static int add_path(struct mix *mix, const char *target)
{
    const char *path = mix->paths + (target - mix->targets);
    struct call *call = entry(mix, 1, endpoint(mix, "GET", path, path_codes), "GET");
    if (!call)
        return ERR_NOMEM;
    call->request.target = target;
    return OK;
}

static int invalid(struct err *err, const char *item, const char *why)
{
    return err_set(err, ERR_INVALID, "--only: \"%.60s\" %s", item, why);
}

static bool is_target(const char *item)
{
    const char *c = item;
    while (*c > ' ' && *c <= '~' && *c != '#')
        c++;
    return *c == '\0';
}

static int add(struct mix *mix, const char *item, struct err *err)
{
    if (mix->entry_count == MIX_ENTRIES_MAX)
        return invalid(err, item, "is one too many: 16 are possible");
    if (item[0] == '/' && !is_target(item))
        return invalid(err, item, "is no path that can stand in a request");
    int rc = item[0] == '/' ? add_path(mix, item) : ERR_NOT_FOUND;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].name, item) == 0)
            rc = kinds[i].add(mix);
    if (rc == ERR_NOT_FOUND)
        return invalid(err, item, "is not hello, fruit_get, fruit_post or a path beginning with /");
    return rc == OK ? OK : err_set(err, rc, "--only: %s", err_text(rc));
}

/* Ends the text at each of `stops`, and returns it. */
static char *cut(char *text, const char *stops)
{
    for (char *c = text; c && *(c += strcspn(c, stops)); c++)
        *c = '\0';
    return text;
}

int mix_init(struct mix *mix, const char *only, struct err *err)
{
    *mix = (struct mix){.targets = cut(strdup(only), ","), .paths = cut(strdup(only), ",?")};
    if (!mix->targets || !mix->paths)
        return err_set(err, ERR_NOMEM, "--only: %s", err_text(ERR_NOMEM));
    int rc = OK;
    const char *end = mix->targets + strlen(only);
    for (const char *item = mix->targets; rc == OK && item <= end; item += strlen(item) + 1)
        rc = add(mix, item, err);
    return rc;
}

static int parse_varying(struct mix *mix, const struct mix_request *r, struct err *err)
{
    struct mix_varying *v = &mix->varying;
    if (template_parse(&v->target, r->target, strlen(r->target), err) != OK)
        return err_at(err, "path");
    if (!template_is_target(&v->target))
        return err_set(err, ERR_INVALID, "path: must begin with / and have neither blanks nor #");
    v->has_body = r->body != NULL;
    if (r->body && template_parse(&v->body, r->body, r->len, err) != OK)
        return err_at(err, "body");
    return OK;
}

int mix_init_request(struct mix *mix, const struct mix_request *r, struct err *err)
{
    *mix = (struct mix){0};
    int rc = parse_varying(mix, r, err);
    if (rc != OK)
        return rc;
    template_label(&mix->varying.target, &mix->label);
    const char *path = r->endpoint ? r->endpoint : buf_cstr(&mix->label);
    struct call *call =
        entry(mix, 1, endpoint(mix, r->method, path, r->codes ? r->codes : path_codes), r->method);
    if (!call || !buf_ok(&mix->label))
        return err_set(err, ERR_NOMEM, "path: %s", err_text(ERR_NOMEM));
    mix->endpoints[0].strict = r->codes != NULL;
    call->request.headers = r->headers;
    call->varying = &mix->varying;
    return OK;
}

bool mix_is_error(const struct mix_endpoint *e, int code)
{
    const int *known = e->codes;
    if (!e->strict)
        return code >= 400;
    while (*known && *known != code)
        known++;
    return *known == 0;
}

const struct call *mix_pick(const struct mix *mix, struct random *random)
{
    const struct mix_entry *e = &mix->entries[random_below(random, mix->entry_count)];
    return &e->calls[random_below(random, e->count)];
}

void mix_free(struct mix *mix)
{
    for (uint32_t i = 0; i < mix->entry_count; i++)
        free(mix->entries[i].calls);
    free(mix->targets);
    free(mix->paths);
    template_free(&mix->varying.target);
    template_free(&mix->varying.body);
    buf_free(&mix->label);
    *mix = (struct mix){0};
}
