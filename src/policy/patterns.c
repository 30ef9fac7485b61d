/* SPDX-License-Identifier: MIT */
#include "policy/patterns.h"

#include "policy/snapshot.h"

#include <fnmatch.h>
#include <string.h>

#define BLANKS " \t,"

bool patterns_next(const char **list, char word[PATTERN_SIZE])
{
	const char *start = *list + strspn(*list, BLANKS);
	size_t len = strcspn(start, BLANKS);

	*list = start + len;
	if (len >= PATTERN_SIZE)
		len = PATTERN_SIZE - 1;
	memcpy(word, start, len);
	word[len] = '\0';
	return len > 0;
}

static bool match(const char *list, const char *subject, int flags)
{
	char word[PATTERN_SIZE];

	while (patterns_next(&list, word))
		if (fnmatch(word, subject, flags) == 0)
			return true;
	return false;
}

bool patterns_match(const char *list, const char *subject)
{
	return match(list, subject, 0);
}

bool patterns_match_name(const char *list, const char *comm)
{
	char word[PATTERN_SIZE];

	while (patterns_next(&list, word)) {
		if (!strpbrk(word, "*?[\\"))
			word[COMM_SIZE - 1] = '\0';
		if (fnmatch(word, comm, 0) == 0)
			return true;
	}
	return false;
}

bool patterns_match_path(const char *list, const char *path)
{
	return match(list, path, FNM_LEADING_DIR);
}
