/* Complaints: told at once, told again after a while, not repeated in between. */
#include "base/complaint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void is_told_when_it_begins_and_when_it_changes(void **state)
{
    (void)state;
    struct complaint c = {0};
    assert_true(complaint_due(&c, "refused", 1000));
    assert_false(complaint_due(&c, "refused", 1050));
    assert_true(complaint_due(&c, "no route", 1100));
    assert_false(complaint_due(&c, "no route", 1150));
    assert_true(complaint_due(&c, "refused", 1200));
}

static void is_told_again_after_a_while(void **state)
{
    (void)state;
    struct complaint c = {0};
    assert_true(complaint_due(&c, "refused", 1000));
    assert_false(complaint_due(&c, "refused", 1000 + COMPLAINT_REPEAT_MS - 1));
    assert_true(complaint_due(&c, "refused", 1000 + COMPLAINT_REPEAT_MS));
    assert_false(complaint_due(&c, "refused", 1001 + COMPLAINT_REPEAT_MS));
}

static void begins_anew_after_all_was_well(void **state)
{
    (void)state;
    struct complaint c = {0};
    assert_true(complaint_due(&c, "refused", 1000));
    complaint_clear(&c);
    assert_true(complaint_due(&c, "refused", 1001));
}

static void long_texts_are_known_by_their_beginning(void **state)
{
    (void)state;
    struct complaint c = {0};
    char text[1000];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    assert_true(complaint_due(&c, text, 1));
    assert_false(complaint_due(&c, text, 2));
    text[0] = 'y';
    assert_true(complaint_due(&c, text, 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_told_when_it_begins_and_when_it_changes),
        cmocka_unit_test(is_told_again_after_a_while),
        cmocka_unit_test(begins_anew_after_all_was_well),
        cmocka_unit_test(long_texts_are_known_by_their_beginning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
