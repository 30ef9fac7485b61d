/* SPDX-License-Identifier: MIT */
#include "config/suggest.h"

#include <string.h>

#define NAME_MAX_COMPARED 48 /* longer than any name that we know */

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Slips between two names: a letter missing, added, wrong, or swapped with its neighbour. */
static unsigned slips(const char *a, const char *b)
{
	unsigned rows[3][NAME_MAX_COMPARED + 1];
	unsigned *before = rows[0], *above = rows[1], *here = rows[2], *spare;
	size_t a_len = strnlen(a, NAME_MAX_COMPARED), b_len = strnlen(b, NAME_MAX_COMPARED);

	for (size_t j = 0; j <= b_len; j++)
		above[j] = (unsigned)j;
	for (size_t i = 1; i <= a_len; i++) {
		here[0] = (unsigned)i;
		for (size_t j = 1; j <= b_len; j++) {
			unsigned wrong = a[i - 1] != b[j - 1];

			here[j] = least(above[j - 1] + wrong, least(above[j], here[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				here[j] = least(here[j], before[j - 2] + 1);
		}
		spare = before;
		before = above;
		above = here;
		here = spare;
	}
	return above[b_len];
}

static bool is_near(const char *written, const char *known, size_t n)
{
	size_t a = strnlen(written, NAME_MAX_COMPARED), b = strnlen(known, NAME_MAX_COMPARED);

	return n * 3 <= (a > b ? a : b);
}

/* "lower" was meant to be "lower_freelimit" */
static bool is_beginning(const char *written, const char *known)
{
	size_t len = strlen(written);

	return len >= 3 && strncmp(written, known, len) == 0;
}

struct suggestion suggest_key(const char *section, const char *key)
{
	struct suggestion best = {NULL, false};
	unsigned fewest = 0;

	for (size_t i = 0; i < config_n_options; i++) {
		const struct option_def *option = &config_options[i];
		unsigned n = slips(key, option->key);

		if (section && strcmp(section, option->section) != 0)
			continue;
		if (is_beginning(key, option->key))
			n = least(n, 1);
		if (best.option && n >= fewest)
			continue;
		fewest = n;
		best = (struct suggestion){option, is_near(key, option->key, n)};
	}
	return best;
}

struct suggestion suggest_section(const char *section)
{
	struct suggestion best = {NULL, false};
	unsigned fewest = 0;

	for (size_t i = 0; i < config_n_options; i++) {
		const struct option_def *option = &config_options[i];
		unsigned n = slips(section, option->section);

		if (best.option && n >= fewest)
			continue;
		fewest = n;
		best = (struct suggestion){option, is_near(section, option->section, n)};
	}
	return best;
}
