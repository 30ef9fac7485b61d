/* SPDX-License-Identifier: MIT */
#include "daemon/prelock_rules.h"

#include "base/text.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

void prelock_settings_copy(struct prelock_settings *settings, const struct prelock_params *params,
			   uint64_t total_bytes, bool dry_run)
{
	const char **const strings[] = {
		&settings->params.names,
		&settings->params.more_names,
		&settings->params.cgroups,
		&settings->params.paths,
	};

	settings->params = *params;
	settings->total_bytes = total_bytes;
	settings->dry_run = dry_run;
	for (size_t i = 0; i < sizeof strings / sizeof *strings; i++) {
		struct text text = TEXT_OVER(settings->text[i]);

		text_add(&text, *strings[i]);
		*strings[i] = settings->text[i];
	}
}

static int compile_regexes(struct prelock_rules *rules)
{
	const char *list = rules->params->cgroups;
	char word[PATTERN_SIZE];

	while (rules->n_regexes < PRELOCK_REGEXES_MAX && patterns_next(&list, word)) {
		if (*word != '^')
			continue;
		/* it was compiled once already, when it was read */
		if (regcomp(&rules->regexes[rules->n_regexes], word, REG_EXTENDED | REG_NOSUB) != 0)
			return -ENOMEM;
		rules->n_regexes++;
	}
	return 0;
}

static void resolve_paths(struct prelock_rules *rules)
{
	struct text text = TEXT_OVER(rules->real_paths);
	const char *list = rules->params->paths;
	char word[PATTERN_SIZE];

	while (patterns_next(&list, word)) {
		char real[PATH_MAX];

		/* one with a wildcard leads nowhere; one that a blank would cut in two isn't taken
		 */
		if (realpath(word, real) && !strpbrk(real, " \t,*?[\\") &&
		    text.len + strlen(real) + 1 < text.cap)
			text_addf(&text, "%s ", real);
	}
}

int prelock_rules_open(struct prelock_rules *rules, const struct prelock_params *params)
{
	int r;

	rules->params = params;
	rules->n_regexes = 0;
	r = compile_regexes(rules);
	if (r < 0)
		prelock_rules_close(rules);
	else
		resolve_paths(rules);
	return r;
}

void prelock_rules_close(struct prelock_rules *rules)
{
	while (rules->n_regexes > 0)
		regfree(&rules->regexes[--rules->n_regexes]);
}

bool prelock_rules_name(const struct prelock_rules *rules, const char *comm)
{
	return patterns_match_name(rules->params->names, comm) ||
	       patterns_match_name(rules->params->more_names, comm);
}

bool prelock_rules_cgroup(const struct prelock_rules *rules, const char *path)
{
	for (size_t i = 0; i < rules->n_regexes; i++)
		if (regexec(&rules->regexes[i], path, 0, NULL, 0) == 0)
			return true;
	/* those are no patterns that would fit: no path begins with '^' */
	return patterns_match(rules->params->cgroups, path);
}

bool prelock_rules_file(const struct prelock_rules *rules, const char *path)
{
	return patterns_match_path(rules->params->paths, path) ||
	       patterns_match_path(rules->real_paths, path);
}
