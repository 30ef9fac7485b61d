/* SPDX-License-Identifier: MIT */
#include "sys/psi.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "base/units.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static bool take(const char **at, const char *end, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(end - *at) < len || memcmp(*at, word, len) != 0)
		return false;
	*at += len;
	return true;
}

/* "12.34", a percentage with two digits behind the point */
static int take_percent(const char **at, const char *end, unsigned *ret_permyriad)
{
	uint64_t whole, hundredths;
	const char *digits;

	if (num_scan_u64(at, end, &whole) < 0 || !take(at, end, "."))
		return -EBADMSG;
	digits = *at;
	if (num_scan_u64(at, end, &hundredths) < 0 || *at - digits != 2 || whole > 100)
		return -EBADMSG;
	*ret_permyriad = (unsigned)(whole * 100 + hundredths);
	return 0;
}

/* " avg10=0.00 avg60=0.00 avg300=0.00 total=0" */
static int parse_line(const char *at, const char *end, unsigned *ret_avg10, uint64_t *ret_total)
{
	unsigned avg60, avg300;

	if (!take(&at, end, " avg10=") || take_percent(&at, end, ret_avg10) < 0 ||
	    !take(&at, end, " avg60=") || take_percent(&at, end, &avg60) < 0 ||
	    !take(&at, end, " avg300=") || take_percent(&at, end, &avg300) < 0 ||
	    !take(&at, end, " total=") || num_scan_u64(&at, end, ret_total) < 0 || at != end)
		return -EBADMSG;
	return 0;
}

int psi_parse(const char *text, size_t len, struct psi_facts *ret)
{
	struct psi_facts facts = {0};
	bool full = false;

	for (const char *line = text, *end; line < text + len; line = end + 1) {
		int r;

		end = memchr(line, '\n', (size_t)(text + len - line));
		if (!end)
			return -EBADMSG;
		if (!facts.present && take(&line, end, "some")) {
			r = parse_line(line, end, &facts.some_avg10_permyriad,
				       &facts.some_total_us);
			facts.present = true;
		} else if (!full && take(&line, end, "full")) {
			r = parse_line(line, end, &facts.full_avg10_permyriad,
				       &facts.full_total_us);
			full = true;
		} else {
			r = -EBADMSG;
		}
		if (r < 0)
			return r;
	}
	if (!facts.present)
		return -EBADMSG;
	*ret = facts;
	return 0;
}

int psi_read(const struct procfs *procfs, int *fd, struct psi_facts *ret)
{
	char text[512];
	ssize_t n = procfs_read_kept(procfs, fd, "pressure/memory", text, sizeof text);
	int r = n < 0 ? (int)n : psi_parse(text, (size_t)n, ret);
	if (r < 0)
		close_fd(fd);
	return r;
}

int psi_trigger_open(const struct procfs *procfs, uint64_t stall_ns, uint64_t window_ns)
{
	_cleanup_close_ int fd = -1;
	char trigger[64];
	int len;

	fd = openat(procfs->root_fd, "pressure/memory", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	len = snprintf(trigger, sizeof trigger, "some %llu %llu",
		       (unsigned long long)(stall_ns / NS_PER_US),
		       (unsigned long long)(window_ns / NS_PER_US));
	/* the kernel wants the NUL as well */
	if (write(fd, trigger, (size_t)len + 1) < 0)
		return -errno;
	return take_fd(&fd);
}
