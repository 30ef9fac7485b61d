/* SPDX-License-Identifier: MIT */
#include "sys/privs.h"

#include "base/cleanup.h"
#include "base/num.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>

#ifndef MCL_ONFAULT /* Linux 4.4 */
#define MCL_ONFAULT 4
#endif

#define OOM_SCORE (-900) /* not -1000: rather this than a machine that stands */

const struct privs_cap privs_caps[] = {
	{CAP_SYS_NICE, "CAP_SYS_NICE", "to advise about the memory of other processes", true},
	{CAP_SYS_PTRACE, "CAP_SYS_PTRACE", "to look at the memory maps of other users' processes",
	 true},
	{CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH",
	 "to open the page maps of other users' processes and to reach their sockets", true},
	{CAP_SYS_ADMIN, "CAP_SYS_ADMIN", "to add and retire swap areas, see [swapspace]", false},
	{CAP_IPC_LOCK, "CAP_IPC_LOCK", "to keep its own memory resident", false},
	{CAP_SYS_RESOURCE, "CAP_SYS_RESOURCE",
	 "to be woken by memory pressure at any window, and to lower oom_score_adj", false},
};
const size_t privs_n_caps = sizeof privs_caps / sizeof *privs_caps;

bool privs_has(const struct privs_cap *cap)
{
	return capng_get_caps_process() == 0 &&
	       capng_have_capability(CAPNG_EFFECTIVE, (unsigned)cap->number);
}

const struct privs_cap *privs_missing(void)
{
	for (size_t i = 0; i < privs_n_caps; i++)
		if (privs_caps[i].required && !privs_has(&privs_caps[i]))
			return &privs_caps[i];
	return NULL;
}

int privs_lock_memory(void)
{
	if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) < 0)
		return -errno;
	return 0;
}

static int write_score(int fd, int64_t score)
{
	char text[16];
	int len = snprintf(text, sizeof text, "%d\n", (int)score);

	return pwrite(fd, text, (size_t)len, 0) < 0 ? -errno : 0;
}

int privs_lower_oom_score(const struct procfs *procfs)
{
	_cleanup_close_ int fd = openat(procfs->root_fd, "self/oom_score_adj", O_RDWR | O_CLOEXEC);
	int64_t score, granted, refused = OOM_SCORE - 1;
	char text[16];
	int r = fd < 0 ? -errno : (int)procfs_read_fd(fd, text, sizeof text);

	if (r <= 0)
		return r < 0 ? r : -EBADMSG;
	text[r - 1] = '\0'; /* the newline */
	r = num_i64(text, &score);
	if (r < 0 || score <= OOM_SCORE)
		return r;
	/* without CAP_SYS_RESOURCE down to what somebody who had it set last, proc(5) */
	granted = score;
	while (granted > OOM_SCORE && granted - refused > 1) {
		int64_t tried = refused < OOM_SCORE ? OOM_SCORE : (granted + refused) / 2;

		r = write_score(fd, tried);
		if (r < 0)
			refused = tried;
		else
			granted = tried;
	}
	return granted < score ? 0 : r;
}

size_t privs_raise_open_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 256;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	(void)getrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_cur;
}
