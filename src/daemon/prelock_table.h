/* SPDX-License-Identifier: MIT */
/* The files of a scan, found again by device, inode and path as /proc/PID/maps names them. */
#pragma once
#include "daemon/prelock_scan.h"

/* The file of scan->group, found or new (then without a verdict, and start over end). NULL where
 * there is no room. One that is deleted is not the one that is there under its name. */
struct prelock_file *prelock_table_put(struct prelock_scan *scan, bool deleted, bool *ret_new);

/* At the beginning of a scan: keeps what is locked, and forgets who had it. */
void prelock_table_sweep(struct prelock_scan *scan);
