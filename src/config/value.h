/* SPDX-License-Identifier: MIT */
/* Text to value and back, by the type of the option. */
#pragma once
#include "base/text.h"
#include "config/options.h"

bool value_is_string(const struct option_def *option);

/*
 * The value that text means: a number in the unit of the type, or the length of a string.
 * Returns 0; -EINVAL (not of this type), -ERANGE (not from min to max), -EILSEQ (a character that
 * the file can't hold), -ENAMETOOLONG (a word of a list that is longer than what is compared).
 */
int value_parse(const struct option_def *option, const char *text, int64_t *ret_value);

/* What is wrong, for a failure r of value_parse: goes on after "NAME = TEXT is ". */
void value_add_fault(struct text *why, const struct option_def *option, int r);

/* Sets the field of the option; string, which must live on, only where it is a string. */
void value_store(const struct option_def *option, struct params *params, int64_t value,
		 const char *string);

/* The number in the field of an option that isn't a string. */
int64_t value_number(const struct option_def *option, const struct params *params);
const char *value_string(const struct option_def *option, const struct params *params);

/* value in the units that people write and value_parse takes, exactly; not for strings. */
void value_add_number(struct text *text, const struct option_def *option, int64_t value);

/* The value in params, likewise, strings as they are. */
void value_add(struct text *text, const struct option_def *option, const struct params *params);
