/* SPDX-License-Identifier: MIT */
#include "sys/meminfo.h"

#include "fuzz/fuzz.h"

#include <errno.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct mem_facts facts, again;
	int r;

	memset(&facts, PATTERN, sizeof facts);
	r = meminfo_parse(text, size, &facts);
	if (r < 0) {
		HOLDS(r == -EBADMSG && is_untouched(&facts, sizeof facts));
		return 0;
	}
	HOLDS(r == 0 && size > 0 && text[size - 1] == '\n');
	HOLDS(memmem(text, size, "MemTotal:", 9) && memmem(text, size, "SwapFree:", 9));
	HOLDS(facts.total_bytes % 1024 == 0 && facts.free_bytes % 1024 == 0);
	memset(&again, PATTERN, sizeof again);
	HOLDS(meminfo_parse(text, size, &again) == 0);
	HOLDS(again.total_bytes == facts.total_bytes && again.free_bytes == facts.free_bytes);
	/* without its last byte it is torn */
	HOLDS(meminfo_parse(text, size - 1, &again) == -EBADMSG ||
	      (size > 1 && text[size - 2] == '\n'));
	return 0;
}
