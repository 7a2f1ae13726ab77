/* The text of schema.sql, which the build turns into a C string. */
#include "contract/schema.h"

static const char text[] =
#include "schema.sql.inc"
    ;

const char *schema_sql(void)
{
    return text;
}
