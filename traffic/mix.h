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

#define MIX_ENTRIES_MAX 16
#define MIX_DEFAULT     "hello,fruit_get,fruit_post"

struct mix_endpoint {
    const char *method, *path; /* the labels; the path has no query */
    const int *codes;          /* the answers that its contract names, ends with 0 */
};

struct call {
    size_t endpoint; /* in the mix */
    struct http_client_request request;
    const char *fruit; /* of POST /fruit, else NULL */
    int quantity;
    char text[48]; /* of the target or the body, what varies */
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
    char *targets, *paths; /* copies of the list of entries, cut up: paths also at each '?' */
};

/* `only` names the entries, with commas between: names as above, or paths that begin with '/',
 * which are asked for with GET. Naming one twice doubles its weight. 0, or ERR_INVALID or ERR_NOMEM
 * with a text in `err`; free it in either case. */
int mix_init(struct mix *mix, const char *only, struct err *err) MUST_CHECK;

/* The next request; it lives as long as the mix. */
const struct call *mix_pick(const struct mix *mix, struct random *random);

void mix_free(struct mix *mix);

#endif
