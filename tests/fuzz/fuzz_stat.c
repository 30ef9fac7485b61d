/* SPDX-License-Identifier: MIT */
#include "sys/procstat.h"

#include "fuzz/fuzz.h"

#include <errno.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct procstat_units units = {.page_bytes = 4096, .tick_ns = 10000000};
	const uint32_t own = PROC_KERNEL | PROC_REALTIME | PROC_FOREGROUND | PROC_SESSION_LEADER;
	const char *text = (const char *)data;
	struct proc_facts facts, other;
	int r;

	memset(&facts, PATTERN, sizeof facts);
	r = procstat_parse(text, size, &units, &facts);
	if (r < 0) {
		HOLDS(r == -EBADMSG && is_untouched(&facts, sizeof facts));
		return 0;
	}
	HOLDS(r == 0 && facts.id.pid > 0 && facts.comm[COMM_SIZE - 1] == '\0');
	HOLDS(is_untouched(&facts.uid, sizeof facts.uid));
	HOLDS(is_untouched(&facts.anon_bytes, sizeof facts.anon_bytes));
	HOLDS((facts.flags & ~own) == (0x5a5a5a5au & ~own));
	/* the result is a matter of the text alone */
	memset(&other, 0, sizeof other);
	HOLDS(procstat_parse(text, size, &units, &other) == 0);
	HOLDS(other.flags == (facts.flags & own) && other.mm_tag == facts.mm_tag);
	HOLDS(memcmp(other.comm, facts.comm, COMM_SIZE) == 0);
	HOLDS(facts.rss_bytes % units.page_bytes == 0 || facts.rss_bytes == UINT64_MAX);
	/* cut by a byte it is torn, or says the same */
	r = procstat_parse(text, size - 1, &units, &other);
	HOLDS(r < 0 || (other.flags == (facts.flags & own) && other.rss_bytes == facts.rss_bytes));
	return 0;
}
