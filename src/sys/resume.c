/* SPDX-License-Identifier: MIT */
#include "sys/resume.h"

#include "base/cleanup.h"
#include "base/num.h"

#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

/* "8:3", as /sys/power/resume and resume= have it. */
static bool scan_device(const char *at, const char *end, dev_t *ret)
{
	uint64_t major_number, minor_number;

	if (num_scan_u64(&at, end, &major_number) < 0 || at == end || *at++ != ':' ||
	    num_scan_u64(&at, end, &minor_number) < 0 || at != end || major_number > UINT32_MAX ||
	    minor_number > UINT32_MAX)
		return false;
	*ret = makedev((unsigned)major_number, (unsigned)minor_number);
	return true;
}

static void take_word(const char *at, const char *end, struct resume *ret)
{
	static const char resume[] = "resume=", offset[] = "resume_offset=";
	size_t len = (size_t)(end - at);

	if (len >= sizeof resume && memcmp(at, resume, sizeof resume - 1) == 0) {
		at += sizeof resume - 1;
		ret->set = true;
		ret->device = 0;
		*ret->spec = '\0';
		if (!scan_device(at, end, &ret->device))
			(void)snprintf(ret->spec, sizeof ret->spec, "%.*s", (int)(end - at), at);
	} else if (len >= sizeof offset && memcmp(at, offset, sizeof offset - 1) == 0) {
		uint64_t pages;

		at += sizeof offset - 1;
		if (num_scan_u64(&at, end, &pages) == 0 && at == end)
			ret->offset_pages = pages;
	}
}

void resume_parse_cmdline(const char *text, size_t len, struct resume *ret)
{
	const char *at = text, *end = text + len;
	bool never = false;

	*ret = (struct resume){0};
	while (at < end) {
		const char *start;

		while (at < end && (*at == ' ' || *at == '\n'))
			at++;
		start = at;
		while (at < end && *at != ' ' && *at != '\n')
			at++;
		take_word(start, at, ret);
		never = never || (at - start == 8 && memcmp(start, "noresume", 8) == 0);
	}
	if (never)
		*ret = (struct resume){0};
}

static ssize_t read_whole(const struct procfs *root, const char *name, char *buf, size_t cap)
{
	_cleanup_close_ int fd = procfs_open_file(root, name);

	return fd < 0 ? fd : procfs_read_fd(fd, buf, cap);
}

/* False where the kernel can't hibernate, or hasn't been told where to. */
static bool read_sys(const struct procfs *sys, struct resume *ret)
{
	char text[64];
	ssize_t n = read_whole(sys, "power/resume", text, sizeof text);
	uint64_t offset_pages = 0;
	dev_t device;

	if (n < 2 || !scan_device(text, text + n - 1, &device) || device == 0)
		return false;
	n = read_whole(sys, "power/resume_offset", text, sizeof text);
	if (n > 1) {
		text[n - 1] = '\0';
		(void)num_u64(text, &offset_pages);
	}
	*ret = (struct resume){.set = true, .device = device, .offset_pages = offset_pages};
	return true;
}

int resume_read(const struct procfs *procfs, const struct procfs *sys, struct resume *ret)
{
	char text[PROCFS_FILE_MAX];
	ssize_t n;

	if (read_sys(sys, ret))
		return 0;
	n = read_whole(procfs, "cmdline", text, sizeof text);
	if (n < 0)
		return (int)n;
	resume_parse_cmdline(text, (size_t)n, ret);
	return 0;
}
