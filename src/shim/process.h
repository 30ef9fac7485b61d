/* SPDX-License-Identifier: MIT */
/* What /proc says of the program: its threads, its state, and what forbids swapping it. */
#pragma once
#include "shim/shim.h"

#include <dirent.h>

/* Names of numbers in a directory of /proc: threads, descriptors, children. */
struct numbers {
	int fd;
	unsigned at, len;
	/* as getdents64 fills it */
	char buf[2048] __attribute__((aligned(8)));
};

/* Opens /proc/PID/NAME of the program. 0 or -errno; numbers_close when done. */
int numbers_open(const struct shim *shim, const char *name, struct numbers *ret);
void numbers_close(struct numbers *numbers);
/* The next one: 1, 0 at the end, -errno. */
int numbers_next(struct numbers *numbers, int *ret);

/* "/proc/PID/NAME", with /NUMBER/LEAF behind it where leaf isn't NULL, into buf. */
void process_path(const struct shim *shim, const char *name, int number, const char *leaf,
		  char *buf, size_t cap);

/* State letter of a thread, from its stat; 0 where it's gone, -errno. */
int process_thread_state(struct shim *shim, int tid);

/* A field of /proc/PID/stat behind the name, as proc(5) counts them. 0 or -errno. */
int process_stat(struct shim *shim, int field, uint64_t *ret);

/* A thread of the program that has an address space: the main one may have ended before. */
int process_living_thread(struct shim *shim);

/* A number in /proc/PID/status, in base 10 or 16; 0 and -ENOENT where there's no such line. */
int process_status(struct shim *shim, const char *key, unsigned base, uint64_t *ret);

/* 0 where its memory can be taken away behind its back once it stands still; else a failure with
 * the reason. before: what can be seen while it runs. The second look is for when it's stopped. */
int process_check(struct shim *shim, bool stopped);

/* Whether a signal waits for the program that asks it to end: one that ends it by default, or that
 * it takes as a wish to end (HUP, INT, QUIT, TERM), neither ignored nor blocked. */
bool process_asked_to_end(struct shim *shim);

/* Whether the program still uses this address space: false after an exec. -EAGAIN where the
 * kernel won't tell. */
int process_shares_memory(struct shim *shim);

/* Whether it has become another program, or has ended, and only nobody has told us yet. */
bool process_is_another(struct shim *shim);
