/* SPDX-License-Identifier: MIT */
#include "sys/procstat.h"

#include "fuzz/fuzz.h"

#include <errno.h>

static void check_memory(const char *text, size_t size)
{
	struct procstat_memory memory;
	int r;

	memset(&memory, PATTERN, sizeof memory);
	r = procstat_parse_memory(text, size, &memory);
	HOLDS(r == 0 || r == -ENOENT || r == -EBADMSG);
	if (r == 0)
		HOLDS(memory.rss_bytes % 1024 == 0 || memory.rss_bytes == UINT64_MAX);
	else
		HOLDS(is_untouched(&memory, sizeof memory));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct proc_facts facts, again;
	int r;

	check_memory(text, size);
	memset(&facts, PATTERN, sizeof facts);
	r = procstat_parse_status(text, size, &facts);
	if (r < 0) {
		HOLDS(r == -EBADMSG && is_untouched(&facts, sizeof facts));
		return 0;
	}
	HOLDS(r == 0 && facts.tracer_pid >= 0);
	HOLDS(memmem(text, size, "Uid:", 4) && memmem(text, size, "TracerPid:", 10));
	HOLDS(facts.anon_bytes == 0 || memmem(text, size, "RssAnon:", 8));
	HOLDS(facts.swap_bytes == 0 || memmem(text, size, "VmSwap:", 7));
	/* a last line without its end says nothing */
	memset(&again, PATTERN, sizeof again);
	while (size > 0 && text[size - 1] != '\n')
		size--;
	HOLDS(procstat_parse_status(text, size, &again) == 0);
	HOLDS(again.uid == facts.uid && again.tracer_pid == facts.tracer_pid);
	HOLDS(again.anon_bytes == facts.anon_bytes && again.swap_bytes == facts.swap_bytes);
	HOLDS(is_untouched(&facts.id, sizeof facts.id) && is_untouched(facts.comm, COMM_SIZE));
	return 0;
}
