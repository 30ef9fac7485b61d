/* SPDX-License-Identifier: MIT */
/* The CRC is put right for every other input, or none would ever get past it. */
#include "backend/imagefile.h"

#include "fuzz/fuzz.h"
#include "proto/crc32c.h"

#include <errno.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct image_header ret, header;
	int r;

	memset(&ret, PATTERN, sizeof ret);
	r = imagefile_parse(data, size, &ret);
	if (r < 0 && size >= sizeof header) {
		HOLDS(r == -EBADMSG && is_untouched(&ret, sizeof ret));
		memcpy(&header, data, sizeof header);
		header.crc = crc32c(0, &header, offsetof(struct image_header, crc));
		r = imagefile_parse(&header, sizeof header, &ret);
	}
	if (r < 0) {
		HOLDS(r == -EBADMSG && is_untouched(&ret, sizeof ret));
		return 0;
	}
	HOLDS(ret.magic == IMAGE_MAGIC && ret.version == IMAGE_VERSION && ret.pid > 0);
	HOLDS(ret.page_bytes >= 4096 && ret.image_bytes % ret.page_bytes == 0);
	HOLDS(ret.n_chunks < ret.image_bytes / ret.page_bytes);
	HOLDS(memchr(ret.comm, 0, sizeof ret.comm));
	return 0;
}
