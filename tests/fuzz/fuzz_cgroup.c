/* SPDX-License-Identifier: MIT */
#include "sys/procstat.h"

#include "fuzz/fuzz.h"

#include <errno.h>

/* The path stands in a line of the unified hierarchy, or of systemd's, right behind its name. */
static int stands_in(const char *line, const char *end, const char *path)
{
	for (const char *next; line < end; line = next + 1) {
		const char *at = line;

		next = memchr(line, '\n', (size_t)(end - line));
		while (at < next && *at != ':')
			at++;
		if (at - line == 1 && *line == '0' && next - at >= 2 && memcmp(at, "::", 2) == 0)
			at += 2;
		else if (next - at >= 14 && memcmp(at, ":name=systemd:", 14) == 0)
			at += 14;
		else
			continue;
		if ((size_t)(next - at) >= strlen(path) && memcmp(at, path, strlen(path)) == 0)
			return 1;
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	char whole[4096], part[16];
	size_t len;
	int r;

	memset(whole, PATTERN, sizeof whole);
	r = procstat_parse_cgroup(text, size, whole, sizeof whole);
	if (r < 0) {
		HOLDS(r == -EBADMSG && is_untouched(whole, sizeof whole));
		return 0;
	}
	len = strnlen(whole, sizeof whole);
	HOLDS(r == 0 && len < sizeof whole && (size == 0 || text[size - 1] == '\n'));
	HOLDS(!strchr(whole, '\n') && (len == 0 || stands_in(text, text + size, whole)));
	for (size_t cap = 1; cap < sizeof part; cap++) {
		memset(part, PATTERN, sizeof part);
		HOLDS(procstat_parse_cgroup(text, size, part, cap) == 0);
		HOLDS(strnlen(part, cap) < cap && strncmp(part, whole, cap - 1) == 0);
		HOLDS(is_untouched(part + cap, sizeof part - cap));
	}
	return 0;
}
