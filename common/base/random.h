/*
 * Random bits that cost about a nanosecond: for ids, not for secrets, since who sees some of them
 * can compute the rest.
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdint.h>

/* 64 bits of this thread's generator, which the kernel seeds at its first use. Never waits: where
 * the kernel has no randomness yet, time and process id are the seed. */
uint64_t random_u64(void);

#endif
