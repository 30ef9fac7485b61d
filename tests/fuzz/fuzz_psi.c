/* SPDX-License-Identifier: MIT */
#include "sys/psi.h"

#include "fuzz/fuzz.h"

#include <errno.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct psi_facts facts;
	int r;

	memset(&facts, PATTERN, sizeof facts);
	r = psi_parse(text, size, &facts);
	if (r < 0) {
		HOLDS(r == -EBADMSG && is_untouched(&facts, sizeof facts));
		return 0;
	}
	HOLDS(r == 0 && facts.present && text[size - 1] == '\n');
	HOLDS(facts.some_avg10_permyriad <= 10099 && facts.full_avg10_permyriad <= 10099);
	HOLDS(memmem(text, size, "some avg10=", 11));
	return 0;
}
