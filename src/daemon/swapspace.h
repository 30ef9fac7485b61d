/* SPDX-License-Identifier: MIT */
/*
 * Swap space that grows and shrinks: the second machine, over memory and swap together. Hungry it
 * adds an area, overfed it retires one. The disk is left to children (daemon/swapchild.h); nothing
 * here waits.
 *
 * A look at the directory has to come back before the first step, and whenever somebody else may
 * have changed something. While one is under way, or an area is being made, no other is begun.
 */
#pragma once
#include "daemon/swapchild.h"
#include "policy/fsm.h"
#include "policy/snapshot.h"
#include "sys/swaps.h"

#include <stdbool.h>
#include <stdint.h>

struct swapspace_facts {
	uint64_t now_ns;
	struct mem_facts mem;
	uint64_t available_bytes; /* of memory, without moving anything out */
	unsigned margin_percent;  /* of memory, that stays available when an area is retired */
	bool memory_is_short;	  /* the machine over memory is hungry */
};

struct swapspace {
	const struct procfs *procfs;
	const struct swapspace_params *params;
	bool dry_run;
	int epoll_fd;
	uint64_t epoll_data;
	struct machine machine;
	struct swapspace_facts facts;	 /* of the last tick; all zero before the first */
	struct swapareas areas;		 /* as of the last look, and what was done since */
	struct swaps swaps;		 /* as last read; too large for a stack */
	struct swapchild maker, retirer; /* the maker looks, too */
	bool known, look_wanted, diet_requested;
	bool refused; /* no area can be made there */
	/* begun under settings that may be others by now */
	bool look_stale, retirer_stale;
	bool unfit; /* the kernel takes none that lies there: until the settings are read again */
	uint64_t looked_ns;
	uint64_t wanted_bytes; /* by who moves memory out: for the next step */
	/* made, and not seen in SwapTotal yet: counts for one cooldown */
	uint64_t promised_bytes, promised_ns, promised_total_bytes;
	uint64_t retire_again_ns; /* after a failure not before */
	/* the retirement: of what, and how far it is */
	char retiring_path[PATH_MAX];
	uint64_t left_bytes, progress_ns, watched_ns;
	int64_t need_bytes; /* at the last step */
	struct {
		int make_error, retire_error;
		bool stalls, no_use;
	} said;
	unsigned made, retired, failed;
	int last_error;
};

void swapspace_init(struct swapspace *space, const struct procfs *procfs,
		    const struct swapspace_params *params, bool dry_run, int epoll_fd,
		    uint64_t epoll_data);

/* Takes the params, which may have changed, and starts with a look where they are enabled. */
void swapspace_configure(struct swapspace *space, uint64_t now_ns);
void swapspace_close(struct swapspace *space);

/* One tick. */
void swapspace_tick(struct swapspace *space, const struct swapspace_facts *facts);

/* A child may have ended: true where one has. */
bool swapspace_reap(struct swapspace *space, uint64_t now_ns);

/* Memory is to be moved out and swap has no room for so much. True where room is being made: come
 * again with the next tick. */
bool swapspace_make_room(struct swapspace *space, uint64_t bytes);

/* Memory and swap together, as the machine sees them. */
uint64_t swapspace_total_bytes(const struct swapspace_facts *facts);
uint64_t swapspace_free_bytes(const struct swapspace_facts *facts);
