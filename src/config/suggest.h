/* SPDX-License-Identifier: MIT */
/* What may have been meant: the known name with the fewest slips between it and what was written.
 */
#pragma once
#include "config/options.h"

struct suggestion {
	const struct option_def *option; /* for a section: the first of its options */
	bool near;			 /* few enough slips to ask "did you mean" */
};

/* The option of section nearest to key; of any section where section is NULL. */
struct suggestion suggest_key(const char *section, const char *key);
struct suggestion suggest_section(const char *section);
