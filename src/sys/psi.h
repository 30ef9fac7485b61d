/* SPDX-License-Identifier: MIT */
/* /proc/pressure/memory: how long tasks wait for memory (Documentation/accounting/psi.rst) */
#pragma once
#include "policy/snapshot.h"
#include "sys/procfs.h"

/* Parses its text: a line "some", and "full" where the kernel has it. -EBADMSG otherwise. */
int psi_parse(const char *text, size_t len, struct psi_facts *ret);

/* Reads it through *fd, kept open between calls (-1: opened here). 0 or -errno: -ENOENT and
 * -EOPNOTSUPP where the kernel has none or keeps it off. */
int psi_read(const struct procfs *procfs, int *fd, struct psi_facts *ret);

/*
 * A descriptor that polls EPOLLPRI when tasks were stalled for stall_ns within window_ns, or
 * -errno: -EINVAL where the kernel wants another window (without CAP_SYS_RESOURCE a multiple of
 * 2 s), -EPERM and -EACCES where it wants the capability for any.
 */
int psi_trigger_open(const struct procfs *procfs, uint64_t stall_ns, uint64_t window_ns);
