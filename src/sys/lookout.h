/* SPDX-License-Identifier: MIT */
/*
 * Whom we are looking at, in a file that outlives us. A user can hold up whoever looks at a process
 * of his, for as long as he likes: by a file system of his own making that a write to its map waits
 * for, which /proc/PID/environ, and with newer kernels (seen with 6.18) stat, exe and kcmp(2), wait
 * for in turn. The thread can't be interrupted then but by SIGKILL. So the service manager ends who
 * doesn't answer, and the next one knows whom not to look at.
 */
#pragma once
#include "sys/procfs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOOKOUT_MAX 64	/* users */
#define LOOKOUT_TIMES 2 /* once may be chance: somebody has killed us just then */

struct lookout_user {
	int32_t pid; /* at the last of these times */
	uint32_t uid;
	uint32_t times;
};

struct lookout_page {
	char magic[8];
	volatile int32_t at; /* 0: at nobody */
	uint32_t n;
	struct lookout_user users[LOOKOUT_MAX];
};

/* Zeroed, or as no pointer, it keeps nothing and avoids nobody. */
struct lookout {
	struct lookout_page *page;
	bool added; /* who was looked at when the last one ended is the last of page->users */
};

/* Opens the file at path, and adds whom the one before us was looking at when it ended. 0 or
 * -errno: then nobody is avoided. */
int lookout_open(struct lookout *lookout, const char *path, const struct procfs *procfs);
void lookout_close(struct lookout *lookout);

/* From now on we look at pid; 0: at nobody. Whom before. */
int32_t lookout_at(struct lookout *lookout, int32_t pid);

/* Whether anybody is avoided. */
bool lookout_is_wary(const struct lookout *lookout);

/* Whether this process is: one of a user who has held us up, or, of root's, that process itself. */
bool lookout_avoids(const struct lookout *lookout, int32_t pid, uint32_t uid);

/* The same where the user isn't known; what is read for it can't be held up. */
bool lookout_avoids_process(const struct lookout *lookout, const struct procfs *procfs,
			    int32_t pid);
