/* The person lab's API. */
#ifndef PERSON_ROUTES_H
#define PERSON_ROUTES_H

#include "http/router.h"

/* Ends with a NULL method; every handler's ctx is the struct app. */
extern const struct http_route person_routes[];

#endif
