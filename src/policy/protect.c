/* SPDX-License-Identifier: MIT */
#include "policy/protect.h"

#include "base/num.h"
#include "policy/snapshot.h"

#include <fnmatch.h>
#include <string.h>

#define WORD_SIZE 1024 /* an option is at most 900 characters */
#define BLANKS " \t,"

/* Copies the next word of *list, cut to WORD_SIZE - 1, and moves past it. */
static bool next_word(const char **list, char word[WORD_SIZE])
{
	const char *start = *list + strspn(*list, BLANKS);
	size_t len = strcspn(start, BLANKS);

	*list = start + len;
	if (len >= WORD_SIZE)
		len = WORD_SIZE - 1;
	memcpy(word, start, len);
	word[len] = '\0';
	return len > 0;
}

static bool list_matches(const char *list, const char *subject)
{
	char word[WORD_SIZE];

	while (next_word(&list, word))
		if (fnmatch(word, subject, 0) == 0)
			return true;
	return false;
}

static bool names_match(const char *list, const char *comm)
{
	char word[WORD_SIZE];

	while (next_word(&list, word)) {
		if (!strpbrk(word, "*?[\\"))
			word[COMM_SIZE - 1] = '\0';
		if (fnmatch(word, comm, 0) == 0)
			return true;
	}
	return false;
}

static bool uids_match(const char *list, uint32_t uid)
{
	char word[WORD_SIZE];
	uint64_t value;

	while (next_word(&list, word))
		if (num_u64(word, &value) == 0 && value == uid)
			return true;
	return false;
}

bool protect_matches(const struct protect_params *rules, const struct protect_subject *subject)
{
	return names_match(rules->names, subject->comm) ||
	       names_match(rules->more_names, subject->comm) ||
	       list_matches(rules->paths, subject->exe) ||
	       list_matches(rules->cgroups, subject->cgroup) ||
	       uids_match(rules->uids, subject->uid);
}
