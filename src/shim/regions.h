/* SPDX-License-Identifier: MIT */
/* Which parts of the address space are swapped: private anonymous memory, readable or writable. */
#pragma once
#include "shim/shim.h"

/* Makes the ledger's tables, empty; regions_forget gives them back. 0 or a failure. */
int regions_prepare(struct shim *shim);
void regions_forget(struct shim *shim);

/* Notes that the pages of [address, address + bytes) stay, whatever region they are in: what the
 * kernel reads or writes of a thread that stands still. To be told before regions_list. 0 or a
 * failure. */
int regions_keep(struct shim *shim, uint64_t address, uint64_t bytes);

/* Lists the regions into the ledger, by address, without the pages that are kept. 0 or a failure.
 */
int regions_list(struct shim *shim);

/* A line of /proc/PID/maps: what it says of a region, eligible or not. False where it is no such
 * line. Pure. */
bool regions_parse(const char *line, struct region *ret, bool *ret_eligible);

/* Takes away or gives back the access to all regions from..to: what is given up can't be read as
 * zeros then, whoever lets the program run. 0 or -errno. */
int regions_give_up(struct shim *shim, const struct cursor *from, const struct cursor *to);
int regions_open(struct shim *shim);	/* to read and write */
int regions_restore(struct shim *shim); /* as they were */

/* Takes the program's code away or gives it back. Without, whoever lets it run lets it crash: while
 * its memory is partly there, and a system call on the rest of it would only say EFAULT. 0 or
 * -errno. */
void regions_hide_code(struct shim *shim);
int regions_show_code(struct shim *shim);

/* Whether [address, address + bytes) lies in one region. */
bool regions_hold(const struct shim *shim, uint64_t address, uint64_t bytes);

/* The end of the last region. */
struct cursor regions_end(const struct shim *shim);
