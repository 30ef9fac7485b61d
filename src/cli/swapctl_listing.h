/* SPDX-License-Identifier: MIT */
/* The active swap areas, and what is behind them. */
#pragma once
#include "base/text.h"
#include "cli/swapctl_identity.h"
#include "cli/swapctl_vswap.h"
#include "sys/procfs.h"
#include "sys/swaps.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum row_flag {
	ROW_INDEL = 1 << 0,   /* is being deleted */
	ROW_DELETED = 1 << 1, /* its file has no name any more */
	ROW_GONE = 1 << 2,    /* its path leads nowhere, or to another file */
	ROW_OFFLINE = 1 << 3, /* the driver has given the disk up */
	ROW_ERRORS = 1 << 4   /* reads or writes failed */
};

enum row_owner { OWNER_UNKNOWN, OWNER_NONE, OWNER_DAEMON, OWNER_SWAPCTL };

/* Of a file or device. */
struct part {
	struct identity what;
	uint64_t low_bytes, len_bytes;
};

struct row {
	unsigned lswap; /* from 1 */
	const struct swap_area *area;
	char name[PATH_MAX];	/* what is behind a loop or mapper device; otherwise area->path */
	struct identity on;	/* what the kernel swaps to */
	struct identity behind; /* the file or device behind a loop device; otherwise as on */
	struct part beneath;	/* what a loop device stands on, even one without a limit, which is
				 * a device of its own otherwise; unknown of all others */
	bool is_loop;		/* there is a loop device in between */
	uint64_t low_bytes;	/* where it begins in what is behind */
	uint64_t size_bytes;	/* as area->size_bytes, with the header */
	uint64_t max_bytes;	/* what it could have from there on; 0: not known */
	uint64_t vswap_bytes;	/* as which it counts, see -v; 0: as what it is */
	unsigned flags;		/* enum row_flag */
	enum row_owner owner;
	char label[17], uuid[37]; /* "" where there is none, or it may not be read */
};

struct listing {
	struct swaps swaps;
	struct row rows[SWAPS_MAX];
	struct vswap vswap;
};

/* Looks at all areas. The listing (200 KiB) is the caller's to free(); NULL after a complaint. */
struct listing *listing_make(const struct procfs *proc, const struct procfs *sys);

/* What the loop device of that path and number stands on; unknown where it is none. */
struct part listing_beneath(const struct procfs *sys, const char *path, dev_t device);

/* The kernel swaps to it, or it is what is behind the loop device to which it does. */
bool row_is(const struct row *row, const struct identity *identity);

/* Words apart by commas: "INDEL,GONE"; "-" for none. */
void row_flags_text(unsigned flags, struct text *ret);
const char *row_owner_word(enum row_owner owner);
