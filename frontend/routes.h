/* The frontend's API. */
#ifndef FRONTEND_ROUTES_H
#define FRONTEND_ROUTES_H

#include "http/router.h"

/* Ends with a NULL method; every handler's ctx is the struct app. */
extern const struct http_route frontend_routes[];

#endif
