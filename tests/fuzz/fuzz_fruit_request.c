/*
 * What the handlers of /fruit do with text from outside, without a server: the first line is the
 * query, the second the Idempotency-Key, the rest the body. What passes is fit to be a label, a key
 * and a row.
 */
#include "contract/message.h"
#include "contract/uuid.h"
#include "http/message.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A copy of its own size, so that the sanitizer sees one byte too many. */
static struct http_span copy(const char *data, size_t len)
{
    char *bytes = malloc(len ? len : 1);
    if (!bytes)
        abort();
    memcpy(bytes, data, len);
    return (struct http_span){bytes, len};
}

static struct http_span take_line(const char **data, size_t *len)
{
    const char *end = memchr(*data, '\n', *len);
    size_t n = end ? (size_t)(end - *data) : *len;
    struct http_span line = copy(*data, n);
    *data += n + (end != NULL);
    *len -= n + (end != NULL);
    return line;
}

static void ask(struct http_span query)
{
    const struct http_message request = {.query = query};
    char name[32], wide[4096];
    enum fruit fruit;
    int found = http_query(&request, "name", name, sizeof name);
    if (found != 1)
        return;
    if (strlen(name) >= sizeof name || http_query(&request, "name", wide, sizeof wide) != 1 ||
        strcmp(name, wide) != 0)
        abort();
    if (fruit_or_all_parse(name, strlen(name), &fruit) == OK &&
        (fruit > FRUIT_ALL || strcasecmp(fruit_name(fruit), name) != 0))
        abort();
}

static void name(struct http_span key)
{
    char id[UUID_SIZE], again[UUID_SIZE];
    if (uuid_normalise(key.data, key.len, id) != OK)
        return;
    if (key.len != UUID_LEN || strlen(id) != UUID_LEN || strncasecmp(id, key.data, key.len) != 0)
        abort();
    if (uuid_normalise(id, UUID_LEN, again) != OK || strcmp(id, again) != 0)
        abort();
}

static void order(struct http_span body)
{
    struct message m;
    int rc = message_decode_fruit(body.data, body.len, &m, NULL);
    if (rc == OK && (m.kind != MESSAGE_FRUIT || m.fruit >= FRUIT_COUNT || m.quantity < 1))
        abort();
    if (rc != OK && message_refusal(rc)[0] == '\0')
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const char *at = (const char *)data;
    struct http_span query = take_line(&at, &len), key = take_line(&at, &len), body = copy(at, len);
    ask(query);
    name(key);
    order(body);
    free((char *)query.data);
    free((char *)key.data);
    free((char *)body.data);
    return 0;
}
