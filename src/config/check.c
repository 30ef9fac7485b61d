/* SPDX-License-Identifier: MIT */
#include "config/check.h"

#include "config/value.h"
#include "config/why.h"

#include <errno.h>

struct order {
	const char *section, *low, *high;
	bool strict;	  /* low may not equal high */
	bool zero_is_off; /* a low of 0 is no value, but a switch */
};

static const struct order orders[] = {
	{"memory", "lower_freelimit", "freetarget", false, false},
	{"memory", "freetarget", "upper_freelimit", false, false},
	{"memory", "cooldown", "cooldown_max", false, false},
	{"swapspace", "lower_freelimit", "freetarget", false, false},
	{"swapspace", "freetarget", "upper_freelimit", false, false},
	{"swapspace", "min_swapsize", "max_swapsize", false, false},
	{"daemon", "psi_stall", "psi_window", true, true},
};

void config_add_subject(struct text *why, const struct config *config, size_t option,
			const char *written)
{
	const struct option_def *def = &config_options[option];
	const struct config_origin *origin = &config->origin[option];

	if (origin->source == SOURCE_FILE) {
		why_add_place(why, config->path, origin->line);
		text_addf(why, "%s = ", def->key);
		why_add_shown(why, written);
		text_add(why, " is ");
		return;
	}
	text_addf(why, "--%s.%s=", def->section, def->key);
	if (*written != '\0')
		why_add_shown(why, written);
	text_add(why, ": ");
}

static void add_source(struct text *why, const struct config_origin *origin)
{
	switch (origin->source) {
	case SOURCE_DEFAULT: text_add(why, "default"); break;
	case SOURCE_FILE: text_addf(why, "line %u", origin->line); break;
	case SOURCE_ARGV: text_add(why, "command line"); break;
	}
}

/* True where a was settled after b: the one to blame, since the other stood when it came. */
static bool is_later(const struct config_origin *a, const struct config_origin *b)
{
	return a->source != b->source ? a->source > b->source : a->line > b->line;
}

static void add_crossed(struct text *why, const struct config *config, const struct order *order,
			size_t low, size_t high)
{
	const struct config_origin *origin = config->origin;
	bool blame_low = is_later(&origin[low], &origin[high]);
	size_t blamed = blame_low ? low : high, other = blame_low ? high : low;
	char written[64];
	struct text value = TEXT_OVER(written);
	const char *relation = blame_low ? "above" : "below";

	if (order->strict)
		relation = blame_low ? "not below" : "not above";
	value_add(&value, &config_options[blamed], &config->params);
	config_add_subject(why, config, blamed, written);
	text_addf(why, "%s %s (", relation, config_options[other].key);
	value_add(why, &config_options[other], &config->params);
	text_add(why, ", ");
	add_source(why, &origin[other]);
	text_add(why, ")");
}

int config_check(const struct config *config, struct text *why)
{
	for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
		const struct order *order = &orders[i];
		size_t low = option_find(order->section, order->low);
		size_t high = option_find(order->section, order->high);
		int64_t a = value_number(&config_options[low], &config->params);
		int64_t b = value_number(&config_options[high], &config->params);

		if (a < b || (a == b && !order->strict) || (a == 0 && order->zero_is_off))
			continue;
		add_crossed(why, config, order, low, high);
		return -EINVAL;
	}
	return 0;
}
