/* SPDX-License-Identifier: MIT */
/* stat and status as the shim reads them, beside what the daemon's parsers make of the same. The
 * first byte says how the file comes. */
#include "fuzz/shim.h"

#include "shim/process.c"

#include "sys/procstat.h"

static struct shim shim;

static long other_call(long number, const long args[6])
{
	(void)number, (void)args;
	return -ENOSYS;
}

static void try_stat(const char *text, size_t size)
{
	static const struct procstat_units units = {4096, 10000000};
	struct proc_facts facts = {0};
	uint64_t start_ticks = 0;
	int state = process_thread_state(&shim, 1), r = process_stat(&shim, 22, &start_ticks);

	HOLDS(r == 0 || r == -EBADMSG);
	HOLDS(state == -EBADMSG || (state >= -128 && state <= 127));
	if (size >= SHIM_READ_BYTES || memchr(text, '\0', size) ||
	    procstat_parse(text, size, &units, &facts) < 0)
		return;
	HOLDS(state == facts.state);
	/* The daemon's takes several blanks for one, which the kernel never writes, and a sign in
	 * any field, which it writes in some. */
	if (strstr(strrchr(shim.text, ')'), "  "))
		return;
	HOLDS(r == 0 ? start_ticks == facts.id.start_ticks : memchr(text, '-', size) != NULL);
}

static void try_status(const char *text, size_t size)
{
	struct proc_facts facts = {0};
	uint64_t tracer = 0, caught = 0;
	int r = process_status(&shim, "TracerPid", 10, &tracer);

	HOLDS(r == 0 || r == -EBADMSG || r == -ENOENT);
	if (size < SHIM_READ_BYTES && !memchr(text, '\0', size) &&
	    procstat_parse_status(text, size, &facts) == 0)
		HOLDS(r == 0 && tracer == (uint64_t)facts.tracer_pid);
	r = process_status(&shim, "SigCgt", 16, &caught);
	HOLDS(r == 0 || r == -EBADMSG || r == -ENOENT);
	/* without all five masks nobody can tell */
	if (process_asked_to_end(&shim))
		HOLDS(r == 0 && strstr(shim.text, "SigCgt:") && strstr(shim.text, "SigIgn:"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	file.data = data + 1;
	file.size = size - 1;
	file.piece = 1 + data[0] * 16;
	shim.program = 1;
	try_stat((const char *)data + 1, size - 1);
	try_status((const char *)data + 1, size - 1);
	return 0;
}
