/* SPDX-License-Identifier: MIT */
/* Advice about another process's memory, process_madvise(2), and touching it. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

enum procmadv_advice { PROCMADV_COLD, PROCMADV_PAGEOUT, PROCMADV_WILLNEED };

#define PROCMADV_RANGES_MAX 512 /* a call takes IOV_MAX (1,024) at most */

/*
 * Gives advice for n ranges of the process behind pidfd. Returns the bytes advised, which is
 * less than all where a range in the middle fails: the kernel stops there. -errno where the first
 * one fails: EINVAL (locked, huge-TLB, device), ENOMEM (not mapped any more), ESRCH, EPERM.
 */
ssize_t procmadv_advise(int pidfd, const struct iovec *ranges, size_t n,
			enum procmadv_advice advice);

/* 0 where the kernel takes advice for other processes and we may give it, else -errno. */
int procmadv_probe(void);

/*
 * Faults the pages of the range in by reading a byte of each, process_vm_readv(2). Advice alone
 * (MADV_WILLNEED) reads them into the swap cache, where they count for nobody and are the first
 * to go. Returns the bytes touched, -errno where the first page fails.
 */
ssize_t procmadv_touch(pid_t pid, const struct iovec *range, size_t page_bytes);
