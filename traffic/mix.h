/*
 * What is asked for: the requests of a scenario, made once, and the choice among them.
 *
 * An entry of the mix is a kind of request (`hello`, `fruit_get`, `fruit_post`, or a GET of a path)
 * and all its forms; entries are chosen uniformly, then a form of the entry uniformly. Several
 * entries may belong to one endpoint, which is what is counted by. Endpoints come from the command
 * line and from here alone, so that the labels are bounded.
 */
#ifndef TRAFFIC_MIX_H
#define TRAFFIC_MIX_H

#include "base/err.h"
#include "http/client.h"
#include "traffic/random.h"
#include "traffic/template.h"

#define MIX_ENTRIES_MAX 16
#define MIX_DEFAULT     "hello,fruit_get,fruit_post"

struct mix_endpoint {
    const char *method, *path; /* the labels; the path has no query */
    const int *codes;          /* the answers that its contract names, ends with 0 */
    bool strict;               /* another answer than these is an error, and none of these is one;
                                * else those of 400 and more are errors */
};

/* A request that a scenario file describes. */
struct mix_request {
    const char *method, *target; /* the target and the body are templates */
    const char *body;            /* or NULL */
    size_t len;
    const char *headers;  /* complete lines, or NULL */
    const char *endpoint; /* the label; NULL: made from the target */
    const int *codes;     /* as above, with `strict`; NULL: 200 alone, not strict */
};

struct call {
    size_t endpoint; /* in the mix */
    struct http_client_request request;
    const char *fruit; /* of POST /fruit, else NULL */
    int quantity;
    char text[48]; /* of the target or the body, what differs among an entry's calls */
    const struct mix_varying *varying; /* in place of the request's target and body, or NULL */
};

/* What differs each time. */
struct mix_varying {
    struct template target, body;
    bool has_body;
};

struct mix_entry {
    struct call *calls;
    uint32_t count;
};

struct mix {
    struct mix_endpoint endpoints[MIX_ENTRIES_MAX];
    size_t endpoint_count;
    struct mix_entry entries[MIX_ENTRIES_MAX];
    uint32_t entry_count;
    char *targets, *paths;      /* copies of the list of entries, cut up: paths also at each '?' */
    struct mix_varying varying; /* mix_init_request's */
    struct buf label;
};

/* `only` names the entries, with commas between: names as above, or paths that begin with '/',
 * which are asked for with GET. Naming one twice doubles its weight. 0, or ERR_INVALID or ERR_NOMEM
 * with a text in `err`; free it in either case. */
int mix_init(struct mix *mix, const char *only, struct err *err) MUST_CHECK;

/* A mix of that request alone, whose texts must outlive it, but for target and body. 0, or
 * ERR_INVALID or ERR_NOMEM with a text in `err`, which names "path" or "body"; free it in either
 * case. */
int mix_init_request(struct mix *mix, const struct mix_request *request,
                     struct err *err) MUST_CHECK;

/* Whether an answer with this code is an error. */
bool mix_is_error(const struct mix_endpoint *endpoint, int code);

/* The next request; it lives as long as the mix. */
const struct call *mix_pick(const struct mix *mix, struct random *random);

void mix_free(struct mix *mix);

#endif
