/*
 * The API's handlers; `app` is the struct app. Errors are {"error":"…"}.
 *
 *     people_list    200, at most PEOPLE_PAGE people in the order of their ids, behind the first
 *                    `start` of them; X-Total-Count has their number; 400 for another `start`
 *     person_get     200 or 404
 *     person_post    201 with Location; 400 with the reason; 507 where there is no more room
 *     person_put     200, the fields given are replaced; 400, 404
 *     person_delete  204 or 404
 *
 * 503 where memory is out, and nothing has changed then.
 */
#ifndef PERSON_HANDLERS_H
#define PERSON_HANDLERS_H

#define PEOPLE_PAGE 20

struct http_exchange;

void people_list(struct http_exchange *x, void *app);
void person_get(struct http_exchange *x, void *app);
void person_post(struct http_exchange *x, void *app);
void person_put(struct http_exchange *x, void *app);
void person_delete(struct http_exchange *x, void *app);

#endif
