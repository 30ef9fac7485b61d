/* SPDX-License-Identifier: MIT */
/* Standard input, output and error. */
#pragma once

/*
 * Opens /dev/null for each of them that is closed: else the next file of ours becomes one of them,
 * and is written to, or replaced. Call it first of all. 0 or -errno.
 */
int stdfiles_open(void);
