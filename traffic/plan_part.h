/* One part of a scenario file. */
#ifndef TRAFFIC_PLAN_PART_H
#define TRAFFIC_PLAN_PART_H

#include "traffic/plan.h"
#include "traffic/plan_value.h"

/* Fills the part, whose options are the defaults, from the value where `r` is. 0, or ERR_INVALID or
 * ERR_NOMEM with a text in r->err. */
int plan_part_read(struct plan_part *part, struct reader *r, json_t *value,
                   double speed) MUST_CHECK;

#endif
