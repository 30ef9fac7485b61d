/* SPDX-License-Identifier: MIT */
/* What must hold between settings that are each fine by themselves. */
#pragma once
#include "base/text.h"
#include "config/config.h"

/* 0, or -EINVAL with why: both values, and where each came from. */
int config_check(const struct config *config, struct text *why);

/* What a message about the value of an option begins with, by its source:
 * "path:line: key = written is ", or "--section.key=written: ". */
void config_add_subject(struct text *why, const struct config *config, size_t option,
			const char *written);
