/*
 * Lets the n-th allocation fail. Include it in one file of a test that CMake marks with
 * `wrap_alloc(test_name)`: the linker then sends the test's and the rooms' malloc, calloc and
 * realloc here. What libraries allocate is not affected.
 *
 *     for (long n = 0; !done; n++) {
 *         alloc_fail_at(n); … the code under test …; alloc_fail_never();
 *     }
 */
#ifndef FAILING_ALLOC_H
#define FAILING_ALLOC_H

#include <stddef.h>

static long alloc_countdown = -1;

static inline void alloc_fail_at(long n)
{
    alloc_countdown = n;
}
/* True where the failure asked for has come. */
static inline int alloc_fail_never(void)
{
    int came = alloc_countdown == -2;
    alloc_countdown = -1;
    return came;
}
static inline int alloc_fails_now(void)
{
    if (alloc_countdown < 0)
        return 0;
    if (alloc_countdown > 0) {
        alloc_countdown--;
        return 0;
    }
    alloc_countdown = -2;
    return 1;
}

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);

void *__wrap_malloc(size_t n)
{
    return alloc_fails_now() ? NULL : __real_malloc(n);
}
void *__wrap_calloc(size_t n, size_t size)
{
    return alloc_fails_now() ? NULL : __real_calloc(n, size);
}
void *__wrap_realloc(void *p, size_t n)
{
    return alloc_fails_now() ? NULL : __real_realloc(p, n);
}

#endif
