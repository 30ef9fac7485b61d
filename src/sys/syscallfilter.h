/* SPDX-License-Identifier: MIT */
/* What this process may ask the kernel for: a filter of system calls, seccomp(2). */
#pragma once

/* What is done about a call that isn't on the list: it goes through and the kernel logs it, or it
 * ends the process with SIGSYS, which the kernel logs as well. */
enum syscallfilter_action { SYSCALLFILTER_LOG, SYSCALLFILTER_KILL };

/*
 * Installs the filter for all threads of this process and all children to come, for good. From then
 * on it can't exec, gain rights (no_new_privs), map anything executable, make a name space, or open
 * a socket but a local one. 0 or -errno; -ENOTSUP on a kind of machine that the list isn't for.
 */
int syscallfilter_install(enum syscallfilter_action action);
