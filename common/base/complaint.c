/* Failures that repeat; see complaint.h. */
#include "base/complaint.h"

#include <stdio.h>
#include <string.h>

bool complaint_due(struct complaint *complaint, const char *text, uint64_t now_ms)
{
    bool same = strncmp(complaint->text, text, sizeof complaint->text - 1) == 0;
    if (same && now_ms - complaint->told_ms < COMPLAINT_REPEAT_MS)
        return false;
    snprintf(complaint->text, sizeof complaint->text, "%s", text);
    complaint->told_ms = now_ms;
    return true;
}

void complaint_clear(struct complaint *complaint)
{
    complaint->text[0] = '\0';
}
