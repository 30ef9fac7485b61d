/* SPDX-License-Identifier: MIT */
/* The option table, its values as text, and what is suggested for a name that isn't in it. */
#include "config/options.h"

#include "config/ini.h"
#include "config/suggest.h"
#include "config/value.h"
#include "unit/builders.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HELP_MAX 78 /* "# " and help fit a terminal */

static void check_words(const struct option_def *option)
{
	int64_t n = 1;

	if (option->type != OPTION_WORD) {
		ck_assert_ptr_null(option->words);
		return;
	}
	for (const char *c = option->words; *c; c++)
		n += *c == '|';
	ck_assert_int_eq(option->min, 0);
	ck_assert_int_eq(option->max, n - 1);
}

static void check_default(const struct option_def *option)
{
	struct params params;
	char buf[2000];
	struct text text = TEXT_OVER(buf);
	int64_t value;

	ck_assert_msg(value_parse(option, option->dflt, &value) == 0, "default of %s", option->key);
	value_store(option, &params, value, option->dflt);
	value_add(&text, option, &params);
	ck_assert_str_eq(buf, option->dflt);
	ck_assert_ptr_null(strpbrk(buf, "#;"));
}

START_TEST(table_is_sound)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz_";

	for (size_t i = 0; i < config_n_options; i++) {
		const struct option_def *option = &config_options[i];

		ck_assert_uint_eq(strspn(option->section, letters), strlen(option->section));
		ck_assert_uint_eq(strspn(option->key, letters), strlen(option->key));
		ck_assert_msg(option_find(option->section, option->key) == i, "%s twice",
			      option->key);
		ck_assert_int_le(option->min, option->max);
		ck_assert_uint_gt(strlen(option->help), 0);
		ck_assert_msg(strlen(option->help) <= HELP_MAX, "help of %s", option->key);
		ck_assert_uint_lt(option->offset, sizeof(struct params));
		check_words(option);
		check_default(option);
	}
}
END_TEST

START_TEST(sections_stand_together)
{
	for (size_t i = 1; i < config_n_options; i++)
		for (size_t j = 0; j + 1 < i; j++)
			ck_assert(
				strcmp(config_options[i].section, config_options[j].section) != 0 ||
				strcmp(config_options[i].section, config_options[i - 1].section) ==
					0);
}
END_TEST

START_TEST(longest_strings_fit_a_line)
{
	for (size_t i = 0; i < config_n_options; i++) {
		const struct option_def *option = &config_options[i];

		if (value_is_string(option))
			ck_assert_uint_le((size_t)option->max + strlen(option->key) +
						  strlen(" = \"\" # command line"),
					  INI_LINE_MAX);
	}
}
END_TEST

/* The options of numbers are settings of their own at both ends, and no further. */
START_TEST(ranges_hold_at_both_ends)
{
	for (size_t i = 0; i < config_n_options; i++) {
		const struct option_def *option = &config_options[i];
		int64_t step = option->type == OPTION_DURATION ? (int64_t)NS_PER_MS : 1;
		const struct {
			int64_t value;
			int r;
		} ends[] = {{option->min, 0},
			    {option->max, 0},
			    {option->max + step, -ERANGE},
			    {option->min - step, -ERANGE}};

		if (value_is_string(option) || option->type == OPTION_BOOL ||
		    option->type == OPTION_WORD)
			continue;
		for (size_t j = 0; j < ROWS(ends); j++) {
			char buf[64];
			struct text text = TEXT_OVER(buf);
			int64_t value = -12345, expected = ends[j].r == 0 ? ends[j].value : -12345;

			if (ends[j].value < 0 && option->type != OPTION_INTEGER)
				continue;
			value_add_number(&text, option, ends[j].value);
			ck_assert_msg(value_parse(option, buf, &value) == ends[j].r, "%s = %s",
				      option->key, buf);
			ck_assert_msg(value == expected, "%s = %s", option->key, buf);
		}
	}
}
END_TEST

START_TEST(strings_hold_at_both_ends)
{
	char *text = malloc(2000);

	for (size_t i = 0; i < config_n_options; i++) {
		const struct option_def *option = &config_options[i];
		int64_t value;

		if (!value_is_string(option))
			continue;
		for (size_t len = 0; len < 1000; len++) {
			int r = (int64_t)len < option->min || (int64_t)len > option->max ? -ERANGE
											 : 0;

			memset(text, '/', len);
			for (size_t j = 0; option->type != OPTION_PATH && j < len; j += 2)
				text[j] = ' ';
			for (size_t j = 1; option->type == OPTION_UIDS && j < len; j += 2)
				text[j] = '7';
			text[len] = '\0';
			ck_assert_msg(value_parse(option, text, &value) == r, "%s of %zu bytes",
				      option->key, len);
		}
	}
	free(text);
}
END_TEST

START_TEST(random_numbers_come_back)
{
	struct series series = series_start(0x5e771465);

	for (size_t round = 0; round < 20000; round++) {
		const struct option_def *option =
			&config_options[series_below(&series, config_n_options)];
		uint64_t span = (uint64_t)(option->max - option->min) + 1;
		int64_t value = option->min + (int64_t)series_below(&series, span), back;
		char buf[64];
		struct text text = TEXT_OVER(buf);

		if (value_is_string(option))
			continue;
		if (option->type == OPTION_DURATION)
			value -= value % (int64_t)NS_PER_MS;
		if (option->type == OPTION_BYTES)
			value &= -(INT64_C(1) << series_below(&series, 41));
		if (value < option->min)
			continue;
		value_add_number(&text, option, value);
		ck_assert_msg(value_parse(option, buf, &back) == 0, "%s = %s", option->key, buf);
		ck_assert_msg(back == value, "%s = %s", option->key, buf);
	}
}
END_TEST

/* Each key with a letter missing, and with two letters swapped, is still known. */
START_TEST(slips_are_seen_through)
{
	for (size_t i = 0; i < config_n_options; i++) {
		const struct option_def *option = &config_options[i];
		size_t len = strlen(option->key);

		for (size_t at = 1; len > 4 && at + 1 < len; at++) {
			char missing[64], swapped[64];
			struct suggestion suggestion;

			strcpy(missing, option->key);
			memmove(missing + at, missing + at + 1, len - at);
			suggestion = suggest_key(option->section, missing);
			ck_assert_msg(suggestion.near && suggestion.option == option, "%s",
				      missing);
			strcpy(swapped, option->key);
			swapped[at] = option->key[at + 1];
			swapped[at + 1] = option->key[at];
			suggestion = suggest_key(option->section, swapped);
			ck_assert_msg(suggestion.near && suggestion.option == option, "%s",
				      swapped);
		}
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		table_is_sound,		  sections_stand_together,   longest_strings_fit_a_line,
		ranges_hold_at_both_ends, strings_hold_at_both_ends, random_numbers_come_back,
		slips_are_seen_through,
	};

	return RUN_TESTS("options", tests);
}
