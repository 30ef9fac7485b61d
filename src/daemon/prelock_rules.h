/* SPDX-License-Identifier: MIT */
/* [prelock] as a scan needs it: a copy that nobody changes meanwhile, and the rules made ready. */
#pragma once
#include "policy/params.h"
#include "policy/patterns.h"

#include <regex.h>
#include <stddef.h>

#define PRELOCK_REGEXES_MAX 450 /* as many as 900 characters hold */

/* The strings of params point into text. */
struct prelock_settings {
	struct prelock_params params;
	uint64_t total_bytes; /* of memory */
	bool dry_run;	      /* only looks */
	char text[4][PATTERN_SIZE];
};

void prelock_settings_copy(struct prelock_settings *settings, const struct prelock_params *params,
			   uint64_t total_bytes, bool dry_run);

struct prelock_rules {
	const struct prelock_params *params;  /* borrowed */
	regex_t regexes[PRELOCK_REGEXES_MAX]; /* of params->cgroups */
	size_t n_regexes;
	char real_paths[2 * PATTERN_SIZE]; /* where params->paths lead, /bin to /usr/bin */
};

/* Makes the rules ready, for one scan; prelock_rules_close. 0 or -ENOMEM. */
int prelock_rules_open(struct prelock_rules *rules, const struct prelock_params *params);
void prelock_rules_close(struct prelock_rules *rules);

bool prelock_rules_name(const struct prelock_rules *rules, const char *comm);
bool prelock_rules_cgroup(const struct prelock_rules *rules, const char *path);
bool prelock_rules_file(const struct prelock_rules *rules, const char *path);
