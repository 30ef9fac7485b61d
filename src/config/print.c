/* SPDX-License-Identifier: MIT */
#include "config/config.h"
#include "config/value.h"
#include "config/why.h"

#include <errno.h>
#include <string.h>

#define VALUE_SIZE 1024 /* more than a line of the file holds */

static void print_value(const struct option_def *option, const struct params *params, FILE *out)
{
	char buf[VALUE_SIZE];
	struct text text = TEXT_OVER(buf);
	const char *quote;

	value_add(&text, option, params);
	quote = strpbrk(buf, "#;") ? "\"" : "";
	fprintf(out, "%s =%s%s%s%s", option->key, *buf ? " " : "", quote, buf, quote);
}

static void print_source(const struct config_origin *origin, FILE *out)
{
	switch (origin->source) {
	case SOURCE_DEFAULT: fputs(" # default\n", out); break;
	case SOURCE_FILE: fprintf(out, " # line %u\n", origin->line); break;
	case SOURCE_ARGV: fputs(" # command line\n", out); break;
	}
}

static void print_path(const char *path, FILE *out)
{
	char buf[300];
	struct text text = TEXT_OVER(buf);

	if (*path == '\0') {
		fputs("# no file was read\n", out);
		return;
	}
	why_add_path(&text, path);
	fprintf(out, "# read from %s\n", buf);
}

int config_print(const struct config *config, FILE *out)
{
	const char *section = "";

	print_path(config->path, out);
	for (size_t i = 0; i < config_n_options; i++) {
		const struct option_def *option = &config_options[i];

		if (strcmp(section, option->section) != 0)
			fprintf(out, "\n[%s]\n", option->section);
		section = option->section;
		fprintf(out, "# %s\n", option->help);
		print_value(option, &config->params, out);
		print_source(&config->origin[i], out);
	}
	return fflush(out) == EOF || ferror(out) ? -EIO : 0;
}
