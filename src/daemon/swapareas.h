/* SPDX-License-Identifier: MIT */
/*
 * The swap areas that a daemon of this name has made: files "swap-1", "swap-2", ... in one
 * directory, known by their label. Whatever else lies there is somebody else's.
 *
 * Looking at them takes the disk, and so does all that is done to them: the daemon has a child do
 * it (daemon/swapchild.h), since the loop is not to wait.
 */
#pragma once
#include "base/text.h"
#include "policy/params.h"
#include "policy/swapsize.h"
#include "sys/procfs.h"
#include "sys/swaps.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SWAPAREAS_MAX SWAPS_MAX
#define SWAPAREA_NAME_MAX 24

struct swaparea {
	unsigned number;
	uint64_t size_bytes; /* of the file */
	uint64_t used_bytes; /* as of the last swapareas_read_use */
	const char *keep;    /* why it is not to be retired; NULL: it may be */
	/* as the kernel calls it, which isn't its path where it was added in a mount namespace that
	 * is gone; "" where it isn't among those that are listed, or one of
	 * several that it could be */
	char listed[PATH_MAX];
};

struct swapareas {
	char path[PATH_MAX]; /* of the directory, without symbolic links */
	const char *fs_name;
	bool free_lags; /* disk is out of date until all is written, see swapareas_settle */
	bool solid;	/* the disk takes discards as they come, see swapon(2) */
	struct swapsize_disk disk;
	struct swaparea areas[SWAPAREAS_MAX]; /* that are active */
	size_t n;
	unsigned removed; /* files that weren't, and were of no use any more */
};

struct swapareas_place {
	const struct procfs *procfs;
	const struct swapspace_params *params;
	bool pretend; /* make and remove nothing */
};

/*
 * Opens the directory, which is made where it is missing, and sees whether swap files may lie in
 * it. Sets ret's path, fs_name and disk. The descriptor, or -errno with the reason in *why, as the
 * end of a sentence that begins with its path.
 */
int swapareas_open(const struct swapareas_place *place, struct swapareas *ret, struct text *why);

/*
 * Finds the active ones, however they came to be active, and removes what an earlier daemon left: a
 * file that wasn't finished, or isn't active any more. The file of that number (0: none) is passed
 * over, since somebody is at it. 0 or -errno, as above.
 */
int swapareas_look(const struct swapareas_place *place, unsigned except, struct swapareas *ret,
		   struct text *why);

/* Where the file system tells late of what was freed or taken (btrfs), has it write all, and reads
 * disk anew. */
void swapareas_settle(int dir_fd, struct swapareas *areas);

/* A number of which there is no file yet, whosever; 0 where there are too many. */
unsigned swapareas_new_number(int dir_fd);

/* "swap-7"; with its directory. */
void swapareas_name(unsigned number, char ret[SWAPAREA_NAME_MAX]);
void swapareas_file(const struct swapareas *areas, unsigned number, char ret[PATH_MAX]);

/* Removes the file of that number, where paranoid overwritten before. 0 or -errno. */
int swapareas_remove(int dir_fd, unsigned number, bool paranoid);

/* How much is in each of them. False where one isn't in the list: it isn't active any more. */
bool swapareas_read_use(struct swapareas *areas, const struct swaps *swaps);

struct swaparea *swapareas_find(struct swapareas *areas, unsigned number);
void swapareas_drop(struct swapareas *areas, unsigned number);
uint64_t swapareas_size_bytes(const struct swapareas *areas);
uint64_t swapareas_used_bytes(const struct swapareas *areas);
