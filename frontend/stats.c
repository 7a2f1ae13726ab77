/* GET /stats; see stats.h. A ring of one slot a second gives the last minute. */
#include "frontend/stats.h"

#include "base/buf.h"
#include "base/clock.h"
#include "http/server.h"

enum { WINDOW_S = 60, CODE_MIN = 100, CODE_MAX = 599, CODES = CODE_MAX - CODE_MIN + 1 };

struct second {
    uint64_t at; /* the second of the monotonic clock that this slot holds */
    uint32_t by_code[CODES];
};

static struct {
    uint64_t by_code[CODES];
    uint64_t count;
    double sum;
    struct second
        ring[WINDOW_S + 1]; /* one more than the window: the present second is not whole */
} stats;

static struct second *slot_of(uint64_t second)
{
    struct second *slot = &stats.ring[second % (WINDOW_S + 1)];
    if (slot->at != second) {
        memset(slot->by_code, 0, sizeof slot->by_code);
        slot->at = second;
    }
    return slot;
}

void stats_add(int code, double seconds)
{
    stats.count++;
    stats.sum += seconds;
    if (code < CODE_MIN || code > CODE_MAX)
        return;
    stats.by_code[code - CODE_MIN]++;
    slot_of(clock_now() / NS_PER_S)->by_code[code - CODE_MIN]++;
}

static uint64_t last_minute(int index, uint64_t now)
{
    uint64_t sum = 0;
    for (int i = 0; i <= WINDOW_S; i++) {
        const struct second *slot = &stats.ring[i];
        if (slot->at < now && slot->at + WINDOW_S >= now)
            sum += slot->by_code[index];
    }
    return sum;
}

static void append_counters(struct buf *out)
{
    const char *comma = "";
    for (int i = 0; i < CODES; i++) {
        if (!stats.by_code[i])
            continue;
        buf_printf(out, "%s\"%d\":%llu", comma, i + CODE_MIN, (unsigned long long)stats.by_code[i]);
        comma = ",";
    }
}

static void append_rates(struct buf *out, uint64_t now)
{
    const char *comma = "";
    for (int i = 0; i < CODES; i++) {
        if (!stats.by_code[i])
            continue;
        buf_printf(out, "%s\"%d\":%.4f", comma, i + CODE_MIN,
                   (double)last_minute(i, now) / WINDOW_S);
        comma = ",";
    }
}

void stats_get(struct http_exchange *x, void *app)
{
    (void)app;
    struct buf out = {0};
    buf_text(&out, "{\"requestCounters\":{");
    append_counters(&out);
    buf_text(&out, "},\"requestRates\":{");
    append_rates(&out, clock_now() / NS_PER_S);
    buf_printf(&out, "},\"duration\":{\"count\":%llu,\"sum\":%.6f,\"average\":%.6f}}",
               (unsigned long long)stats.count, stats.sum,
               stats.count ? stats.sum / (double)stats.count : 0.0);
    if (buf_ok(&out))
        http_reply_json(x, 200, buf_data(&out), buf_len(&out));
    else
        http_reply_error(x, 503, "Out of memory");
    buf_free(&out);
}
