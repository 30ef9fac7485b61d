/* SPDX-License-Identifier: MIT */
/* The protect rules: what is never moved out, by name, executable, control group or user. */
#pragma once
#include "policy/params.h"

#include <stdbool.h>
#include <stdint.h>

struct protect_subject {
	const char *comm;   /* as in /proc/PID/comm: cut to 15 characters */
	const char *exe;    /* path of the executable; "" where unknown */
	const char *cgroup; /* path in the unified or systemd hierarchy; "" where unknown */
	uint32_t uid;
};

/* True where one pattern of one list fits. Patterns are as of glob(7), '*' matches '/' as well;
 * a name without wildcards of more than 15 characters is compared by its first 15. */
bool protect_matches(const struct protect_params *rules, const struct protect_subject *subject);
