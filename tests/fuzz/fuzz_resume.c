/* SPDX-License-Identifier: MIT */
#include "sys/resume.h"

#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct resume resume;

	memset(&resume, PATTERN, sizeof resume);
	resume_parse_cmdline((const char *)data, size, &resume);
	HOLDS(memchr(resume.spec, '\0', sizeof resume.spec));
	HOLDS(resume.set || (resume.device == 0 && *resume.spec == '\0'));
	if (resume.set)
		HOLDS(memmem(data, size, "resume=", 7));
	return 0;
}
