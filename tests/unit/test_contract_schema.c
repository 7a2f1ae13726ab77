/* The embedded schema is the file, byte for byte. What it does is tested against PostgreSQL. */
#include "contract/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void is_the_file(void **state)
{
    (void)state;
    static char file[64 * 1024];
    FILE *f = fopen(SCHEMA_SQL, "r");
    assert_non_null(f);
    size_t len = fread(file, 1, sizeof file - 1, f);
    fclose(f);
    assert_true(len > 1000);
    assert_string_equal(schema_sql(), file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(is_the_file)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
