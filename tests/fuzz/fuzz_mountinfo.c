/* SPDX-License-Identifier: MIT */
#include "sys/mountinfo.h"

#include "fuzz/fuzz.h"

#include <errno.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct mount_point point;
	int r = mountinfo_parse_line((const char *)data, size, &point);

	if (r < 0) {
		HOLDS(r == -EBADMSG);
		return 0;
	}
	HOLDS(r == 0 && memmem(data, size, " - ", 3));
	HOLDS(memchr(point.path, '\0', sizeof point.path) && *point.path);
	HOLDS(memchr(point.type, '\0', sizeof point.type) && *point.type);
	HOLDS(memchr(point.source, '\0', sizeof point.source));
	/* what stands behind the source is of no matter */
	HOLDS(mountinfo_parse_line((const char *)data, size, &point) == 0);
	return 0;
}
