/* SPDX-License-Identifier: MIT */
#include "daemon/handover_text.h"

#include "base/num.h"

#include <string.h>

#define HEADER "swapify-policy held 1\n" /* another version isn't read */

static const char frozen[] = "frozen ", paged[] = "paged ";

/* "frozen 1234 567890 67108864": pid, start time, bytes */
static bool parse_line(const char *line, const char *end, struct handover_record *ret)
{
	uint64_t pid;
	const char *at;

	ret->frozen = strncmp(line, frozen, strlen(frozen)) == 0;
	if (!ret->frozen && strncmp(line, paged, strlen(paged)) != 0)
		return false;
	at = line + (ret->frozen ? strlen(frozen) : strlen(paged));
	if (num_scan_u64(&at, end, &pid) < 0 || *at++ != ' ' ||
	    num_scan_u64(&at, end, &ret->id.start_ticks) < 0 || *at++ != ' ' ||
	    num_scan_u64(&at, end, &ret->bytes) < 0 || at != end)
		return false;
	ret->id.pid = (int32_t)pid;
	return pid > 0 && pid <= INT32_MAX && ret->id.start_ticks > 0;
}

size_t handover_parse(const char *text, struct handover_record ret[static HANDOVER_MAX])
{
	const char *line = text, *end;
	size_t n = 0;

	if (strncmp(text, HEADER, strlen(HEADER)) != 0)
		return 0;
	for (line += strlen(HEADER); n < HANDOVER_MAX && (end = strchr(line, '\n')); line = end + 1)
		n += parse_line(line, end, &ret[n]);
	return n;
}

void handover_begin(struct text *text)
{
	text_add(text, HEADER);
}

void handover_add(struct text *text, const struct handover_record *record)
{
	text_addf(text, "%s%d %llu %llu\n", record->frozen ? frozen : paged, record->id.pid,
		  (unsigned long long)record->id.start_ticks, (unsigned long long)record->bytes);
}
