/* SPDX-License-Identifier: MIT */
#include "policy/protect.h"

#include "base/num.h"
#include "policy/patterns.h"

static bool uids_match(const char *list, uint32_t uid)
{
	char word[PATTERN_SIZE];
	uint64_t value;

	while (patterns_next(&list, word))
		if (num_u64(word, &value) == 0 && value == uid)
			return true;
	return false;
}

bool protect_matches(const struct protect_params *rules, const struct protect_subject *subject)
{
	return patterns_match_name(rules->names, subject->comm) ||
	       patterns_match_name(rules->more_names, subject->comm) ||
	       patterns_match(rules->paths, subject->exe) ||
	       patterns_match(rules->cgroups, subject->cgroup) ||
	       uids_match(rules->uids, subject->uid);
}
