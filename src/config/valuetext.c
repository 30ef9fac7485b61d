/* SPDX-License-Identifier: MIT */
#include "base/units.h"
#include "config/value.h"

#include <errno.h>
#include <string.h>

/* text_add_duration rounds; here every millisecond has to come back. */
static void add_duration(struct text *text, uint64_t ns)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {{"h", NS_PER_H}, {"min", NS_PER_MIN}, {"s", NS_PER_S}, {"ms", NS_PER_MS}};
	const char *gap = "";

	if (ns == 0)
		text_add(text, "0");
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		if (ns < units[i].ns)
			continue;
		text_addf(text, "%s%llu%s", gap, (unsigned long long)(ns / units[i].ns),
			  units[i].name);
		ns %= units[i].ns;
		gap = " ";
	}
}

static void add_bytes(struct text *text, uint64_t bytes)
{
	static const char suffixes[] = "KMGT";
	char suffix[2] = "";

	for (size_t i = 0; suffixes[i] != '\0' && bytes != 0 && bytes % KIB == 0; i++) {
		bytes /= KIB;
		suffix[0] = suffixes[i];
	}
	text_addf(text, "%llu%s", (unsigned long long)bytes, suffix);
}

static void add_permyriad(struct text *text, unsigned permyriad)
{
	unsigned rest = permyriad % 100;

	text_addf(text, "%u", permyriad / 100);
	if (rest % 10 != 0)
		text_addf(text, ".%02u", rest);
	else if (rest != 0)
		text_addf(text, ".%u", rest / 10);
	text_add(text, "%");
}

static void add_word(struct text *text, const char *words, int64_t place)
{
	for (; place > 0; place--)
		words += strcspn(words, "|") + 1;
	text_addf(text, "%.*s", (int)strcspn(words, "|"), words);
}

void value_add_number(struct text *text, const struct option_def *option, int64_t value)
{
	switch (option->type) {
	case OPTION_BOOL: text_add(text, value ? "yes" : "no"); break;
	case OPTION_PERMYRIAD: add_permyriad(text, (unsigned)value); break;
	case OPTION_BYTES: add_bytes(text, (uint64_t)value); break;
	case OPTION_DURATION: add_duration(text, (uint64_t)value); break;
	case OPTION_WORD: add_word(text, option->words, value); break;
	case OPTION_PERCENT:
	case OPTION_INTEGER:
	case OPTION_STRING:
	case OPTION_PATH:
	case OPTION_UIDS:
	case OPTION_REGEXES: text_addf(text, "%lld", (long long)value); break;
	}
}

void value_add(struct text *text, const struct option_def *option, const struct params *params)
{
	if (value_is_string(option))
		text_add(text, value_string(option, params));
	else
		value_add_number(text, option, value_number(option, params));
}

/* -- what is wrong ------------------------------------------------------------------------- */

static void add_range(struct text *why, const struct option_def *option)
{
	if (value_is_string(option)) {
		text_addf(why, "too short or too long: %lld to %lld bytes", (long long)option->min,
			  (long long)option->max);
		return;
	}
	text_add(why, "out of range: ");
	value_add_number(why, option, option->min);
	text_add(why, " to ");
	value_add_number(why, option, option->max);
}

static void add_choices(struct text *why, const char *words)
{
	text_add(why, "not one of ");
	for (; *words != '\0'; words++)
		if (*words == '|')
			text_add(why, ", ");
		else
			text_addf(why, "%c", *words);
}

void value_add_fault(struct text *why, const struct option_def *option, int r)
{
	static const char *const not_such[] = {
		[OPTION_BOOL] = "neither yes nor no",
		[OPTION_PERCENT] = "not a whole percentage; write it like 20 or 20%",
		[OPTION_PERMYRIAD] = "not a percentage; write it like 1% or 0.5%",
		[OPTION_BYTES] = "not a size; write it like 4096, 12M or 1G",
		[OPTION_DURATION] = "not a time; write it like 90s, 5min or 1h 30min",
		[OPTION_INTEGER] = "not a whole number; write it like 100 or -500",
		[OPTION_STRING] = "not a list of words",
		[OPTION_PATH] = "not a path that begins with /",
		[OPTION_UIDS] = "not a list of user numbers; write it like 1000 1001",
		[OPTION_REGEXES] =
			"not a list of patterns; behind ^ there is no {}, and no + behind )*+?",
	};

	if (r == -ERANGE)
		add_range(why, option);
	else if (r == -EILSEQ)
		text_add(why, "not a value that can be held: quotes, backslashes and control "
			      "characters can't");
	else if (option->type == OPTION_WORD)
		add_choices(why, option->words);
	else
		text_add(why, not_such[option->type]);
}
