/* SPDX-License-Identifier: MIT */
#include "config/config.h"

#include "config/check.h"
#include "config/file.h"
#include "config/ini.h"
#include "config/suggest.h"
#include "config/value.h"
#include "config/why.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define OVERRIDE_MAX 2047 /* the longest value with its name, and room to say what is too long */
#define BLANKS " \t"

struct load {
	struct config config;
	struct text why;
};

static void set_defaults(struct config *config)
{
	for (size_t i = 0; i < config_n_options; i++) {
		const struct option_def *option = &config_options[i];
		int64_t value = 0;

		/* The unit test shows that every default is a value of its option */
		(void)value_parse(option, option->dflt, &value);
		value_store(option, &config->params, value, option->dflt);
	}
}

/* A copy of text without the blanks at its ends, which quotes can bring along. */
static char *copy_stripped(const char *text)
{
	const char *start = text + strspn(text, BLANKS), *end = start + strlen(start);

	while (end > start && strchr(BLANKS, end[-1]))
		end--;
	return strndup(start, (size_t)(end - start));
}

/* Sets an option whose origin is known already. */
static int set_option(struct load *load, size_t i, const char *written)
{
	const struct option_def *option = &config_options[i];
	char *copy = copy_stripped(written);
	int64_t value;
	int r;

	if (!copy)
		return -ENOMEM;
	r = value_parse(option, copy, &value);
	if (r < 0) {
		config_add_subject(&load->why, &load->config, i, copy);
		value_add_fault(&load->why, option, r);
		free(copy);
		return -EINVAL;
	}
	value_store(option, &load->config.params, value, copy);
	free(load->config.strings[i]);
	load->config.strings[i] = value_is_string(option) ? copy : NULL;
	if (!load->config.strings[i])
		free(copy);
	return 0;
}

/* -- what is unknown ----------------------------------------------------------------------- */

static void add_unknown_section(struct text *why, const char *section)
{
	struct suggestion nearest = suggest_section(section);

	text_add(why, "unknown section [");
	why_add_shown(why, section);
	text_addf(why, nearest.near ? "]; did you mean [%s]?" : "]; the nearest is [%s]",
		  nearest.option->section);
}

static void add_unknown_key(struct text *why, const char *section, const char *key)
{
	struct suggestion nearest = suggest_key(section, key), elsewhere = suggest_key(NULL, key);

	text_add(why, "unknown key '");
	why_add_shown(why, key);
	text_addf(why, "' in [%s]; ", section);
	if (strcmp(elsewhere.option->key, key) == 0)
		text_addf(why, "it belongs in [%s]", elsewhere.option->section);
	else
		text_addf(why, nearest.near ? "did you mean '%s'?" : "the nearest is '%s'",
			  nearest.option->key);
}

/* -- the file ------------------------------------------------------------------------------ */

static int claim_line(void *context, const struct ini_line *line)
{
	struct load *load = context;
	size_t i = line->key ? option_find(line->section, line->key) : config_n_options;
	bool section_known = option_section_known(line->section);
	struct config_origin *origin;

	if (!line->key && section_known)
		return 0;
	if (i == config_n_options) {
		why_add_place(&load->why, load->config.path, line->number);
		if (section_known)
			add_unknown_key(&load->why, line->section, line->key);
		else
			add_unknown_section(&load->why, line->section);
		return -EINVAL;
	}
	origin = &load->config.origin[i];
	if (origin->source == SOURCE_FILE) {
		why_add_place(&load->why, load->config.path, line->number);
		text_addf(&load->why, "'%s' in [%s] again; it was set in line %u", line->key,
			  line->section, origin->line);
		return -EINVAL;
	}
	*origin = (struct config_origin){SOURCE_FILE, line->number};
	return 0;
}

static int take_line(void *context, const struct ini_line *line)
{
	return set_option(context, option_find(line->section, line->key), line->value);
}

static int load_file(struct load *load, const char *path, bool required)
{
	struct text copy = TEXT_OVER(load->config.path);
	struct config_file file;
	struct ini_source source;
	int r = config_file_open(path, required, &file, &load->why);

	if (r < 0 || file.fd < 0)
		return r;
	text_add(&copy, path); /* open() took it, so that it fits */
	source = (struct ini_source){path, file.fd, file.bytes, file.len};
	r = ini_load(&source, claim_line, take_line, load, &load->why);
	config_file_close(&file);
	return r;
}

/* -- the command line ---------------------------------------------------------------------- */

static int refuse_override(struct text *why, const char *override, const char *what)
{
	why_add_shown(why, override);
	text_addf(why, ": %s", what);
	return -EINVAL;
}

static int refuse_unknown(struct text *why, const char *override, const char *section,
			  const char *key)
{
	(void)refuse_override(why, override, "");
	if (option_section_known(section))
		add_unknown_key(why, section, key);
	else
		add_unknown_section(why, section);
	return -EINVAL;
}

static int refuse_unsectioned(struct text *why, const char *override, const char *name)
{
	struct suggestion nearest = suggest_key(NULL, name);

	(void)refuse_override(why, override, "a setting is --section.key=value");
	text_addf(why, nearest.near ? "; did you mean --%s.%s?" : "; the nearest is --%s.%s",
		  nearest.option->section, nearest.option->key);
	return -EINVAL;
}

static int override_option(struct load *load, const char *override)
{
	char copy[OVERRIDE_MAX + 1], *name, *key, *value;
	struct text text = TEXT_OVER(copy);
	size_t i;

	text_add(&text, override);
	if (text.cut)
		return refuse_override(&load->why, override, "too long");
	value = strchr(copy, '=');
	if (value)
		*value++ = '\0';
	ini_lower(copy);
	name = copy + strspn(copy, "-");
	key = strchr(name, '.');
	if (name != copy + 2 || !key)
		return refuse_unsectioned(&load->why, override, name);
	*key++ = '\0';
	i = option_find(name, key);
	if (i == config_n_options)
		return refuse_unknown(&load->why, override, name, key);
	if (!value)
		return refuse_override(&load->why, override, "no value; write =VALUE behind it");
	load->config.origin[i] = (struct config_origin){SOURCE_ARGV, 0};
	return set_option(load, i, value);
}

/* -- all of it ----------------------------------------------------------------------------- */

static int load_all(struct load *load, const char *path, bool required, char *const *overrides,
		    size_t n)
{
	int r = load_file(load, path, required);

	for (size_t i = 0; r == 0 && i < n; i++)
		r = override_option(load, overrides[i]);
	return r < 0 ? r : config_check(&load->config, &load->why);
}

int config_load(const char *path, bool required, char *const *overrides, size_t n,
		struct config *ret, struct config_error *error)
{
	struct load load = {.why = TEXT_OVER(error->message)};
	int r;

	set_defaults(&load.config);
	r = load_all(&load, path, required, overrides, n);
	if (r < 0) {
		if (r == -ENOMEM)
			text_add(&load.why, "out of memory");
		config_free(&load.config);
		return r;
	}
	*ret = load.config;
	return 0;
}

void config_free(struct config *config)
{
	for (size_t i = 0; i < config_n_options; i++)
		free(config->strings[i]);
	*config = (struct config){0};
}
