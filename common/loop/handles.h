/* libuv_handles{type,active}: how many handles the loop has, counted when somebody asks for the
 * page. For loop.c. */
#ifndef LOOP_HANDLES_H
#define LOOP_HANDLES_H

#include "loop/loop.h"

/* Counts the loop's handles at each exposition that is made on the calling thread, until
 * loop_handles_forget. 0 or ERR_FULL. */
int loop_handles_count(struct loop *loop) MUST_CHECK;
void loop_handles_forget(struct loop *loop);

/* In the default registry or out of it. */
int loop_handles_show(bool on) MUST_CHECK;

#endif
