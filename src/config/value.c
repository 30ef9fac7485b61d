/* SPDX-License-Identifier: MIT */
#include "config/value.h"

#include "base/num.h"
#include "base/units.h"

#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS " \t,"

bool value_is_string(const struct option_def *option)
{
	return option->type == OPTION_STRING || option->type == OPTION_PATH ||
	       option->type == OPTION_UIDS || option->type == OPTION_REGEXES;
}

/* -- text to value ------------------------------------------------------------------------- */

static int parse_word(const char *words, const char *text, int64_t *ret)
{
	size_t len = strlen(text);

	for (int64_t i = 0; words; i++) {
		size_t word = strcspn(words, "|");

		if (word == len && memcmp(words, text, len) == 0) {
			*ret = i;
			return 0;
		}
		words = words[word] == '|' ? words + word + 1 : NULL;
	}
	return -EINVAL;
}

static int parse_uids(const char *list)
{
	while (*(list += strspn(list, BLANKS)) != '\0') {
		const char *end = list + strcspn(list, BLANKS);
		uint64_t uid;

		/* The largest is (uid_t)-1, which is nobody's */
		if (num_scan_u64(&list, end, &uid) < 0 || list != end || uid >= UINT32_MAX)
			return -EINVAL;
	}
	return 0;
}

/* regcomp(3) of glibc holds what a + stands behind twice: nested ones may take any amount of memory
 * and time. */
static bool repeats_twice(const char *word)
{
	for (const char *at = word; (at = strchr(at, '+')); at++)
		if (at > word && strchr(")*+?", at[-1]))
			return true;
	return false;
}

static bool is_regex(const char *word)
{
	regex_t regex;

	/* counts do the same, and {2,3} would be two words */
	if (strchr(word, '{') || repeats_twice(word) ||
	    regcomp(&regex, word, REG_EXTENDED | REG_NOSUB) != 0)
		return false;
	regfree(&regex);
	return true;
}

static int parse_regexes(const char *list)
{
	bool fits = true;

	while (fits && *(list += strspn(list, BLANKS)) != '\0') {
		size_t len = strcspn(list, BLANKS);

		if (*list == '^') {
			char *word = strndup(list, len);

			fits = word && is_regex(word);
			free(word);
		}
		list += len;
	}
	return fits ? 0 : -EINVAL;
}

/* iniparser 4.1 takes a backslash in quotes as it is, 4.2 as an escape; quotes fit into neither. */
static bool can_be_held(const char *text)
{
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if ((c < ' ' && c != '\t') || c == 0x7f || c == '"' || c == '\'' || c == '\\')
			return false;
	}
	return true;
}

static int parse_string(const struct option_def *option, const char *text, int64_t *ret)
{
	int r = 0;

	if (!can_be_held(text))
		return -EILSEQ;
	if (option->type == OPTION_UIDS)
		r = parse_uids(text);
	else if (option->type == OPTION_REGEXES)
		r = parse_regexes(text);
	else if (option->type == OPTION_PATH && *text != '\0' && *text != '/')
		r = -EINVAL;
	if (r == 0)
		*ret = (int64_t)strlen(text);
	return r;
}

static int parse_share(const struct option_def *option, const char *text, int64_t *ret)
{
	unsigned permyriad;
	int r = num_permyriad(text, &permyriad);

	if (r < 0)
		return r;
	if (option->type == OPTION_PERCENT && permyriad % 100 != 0)
		return -EINVAL;
	*ret = option->type == OPTION_PERCENT ? permyriad / 100 : permyriad;
	return 0;
}

static int parse_unsigned(const struct option_def *option, const char *text, int64_t *ret)
{
	uint64_t value;
	int r = option->type == OPTION_BYTES ? num_bytes(text, &value) : num_duration(text, &value);

	if (r < 0)
		return r;
	if (value > INT64_MAX)
		return -ERANGE;
	*ret = (int64_t)value;
	return 0;
}

static int parse_bool(const char *text, int64_t *ret)
{
	int value, r = num_bool(text, &value);

	if (r == 0)
		*ret = value;
	return r;
}

static int parse_typed(const struct option_def *option, const char *text, int64_t *ret)
{
	switch (option->type) {
	case OPTION_BOOL: return parse_bool(text, ret);
	case OPTION_PERCENT:
	case OPTION_PERMYRIAD: return parse_share(option, text, ret);
	case OPTION_BYTES:
	case OPTION_DURATION: return parse_unsigned(option, text, ret);
	case OPTION_INTEGER: return num_i64(text, ret);
	case OPTION_WORD: return parse_word(option->words, text, ret);
	case OPTION_STRING:
	case OPTION_PATH:
	case OPTION_UIDS:
	case OPTION_REGEXES: return parse_string(option, text, ret);
	}
	return -EINVAL;
}

int value_parse(const struct option_def *option, const char *text, int64_t *ret_value)
{
	int64_t value = 0;
	int r = parse_typed(option, text, &value);

	if (r < 0)
		return r;
	if (value < option->min || value > option->max)
		return -ERANGE;
	*ret_value = value;
	return 0;
}

/* -- the field in params ------------------------------------------------------------------- */

void value_store(const struct option_def *option, struct params *params, int64_t value,
		 const char *string)
{
	void *field = (char *)params + option->offset;

	switch (option->type) {
	case OPTION_BOOL: *(bool *)field = value != 0; break;
	case OPTION_PERCENT:
	case OPTION_PERMYRIAD:
	case OPTION_WORD: *(unsigned *)field = (unsigned)value; break;
	case OPTION_BYTES:
	case OPTION_DURATION: *(uint64_t *)field = (uint64_t)value; break;
	case OPTION_INTEGER: *(int64_t *)field = value; break;
	case OPTION_STRING:
	case OPTION_PATH:
	case OPTION_UIDS:
	case OPTION_REGEXES: *(const char **)field = string; break;
	}
}

int64_t value_number(const struct option_def *option, const struct params *params)
{
	const void *field = (const char *)params + option->offset;

	switch (option->type) {
	case OPTION_BOOL: return *(const bool *)field;
	case OPTION_PERCENT:
	case OPTION_PERMYRIAD:
	case OPTION_WORD: return *(const unsigned *)field;
	case OPTION_BYTES:
	case OPTION_DURATION: return (int64_t) * (const uint64_t *)field;
	case OPTION_INTEGER: return *(const int64_t *)field;
	case OPTION_STRING:
	case OPTION_PATH:
	case OPTION_UIDS:
	case OPTION_REGEXES: break;
	}
	return 0;
}

const char *value_string(const struct option_def *option, const struct params *params)
{
	const void *field = (const char *)params + option->offset;

	return *(const char *const *)field;
}
