/*
 * A probe: a room on a loop, worked by hand or by a test through lines on standard input, while the
 * test stops, kills and restarts the server behind it. It prints one line an event.
 *
 *     lag      how late the probe's own 1 ms timer was at most since the last `lag`, in ms
 *     metrics  the exposition
 *     close    closes the client, then the loop, which asserts that nothing was left; also at EOF
 *
 * All other lines are the particular probe's.
 */
#ifndef PROBE_H
#define PROBE_H

#include "loop/loop.h"

#define PROBE_WORDS_MAX 32

struct probe {
    /* `words[0]` is not one of those above. */
    void (*on_line)(int count, char **words);
    /* Begins to close; ends with probe_closed. */
    void (*on_close)(void);
};

/* Runs until closed; the exit code. `loop` is initialised already. */
int probe_run(struct loop *loop, const struct probe *probe);
void probe_closed(void);

/* One line of standard output, flushed. */
void probe_say(const char *format, ...) PRINTF_LIKE(1, 2);

/* Keeps `window` operations in flight until `total` have ended, then prints "flood ends seconds
 * per-second failures". `start` begins one, whose callback calls probe_flood_ended; it returns a
 * code, and ERR_FULL makes the flood wait for the next end. */
void probe_flood(long total, long window, int (*start)(void));
void probe_flood_ended(int status);

#endif
