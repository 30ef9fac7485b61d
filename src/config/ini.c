/* SPDX-License-Identifier: MIT */
#include "config/ini.h"

#include "config/why.h"

#include <errno.h>
#include <iniparser/iniparser.h>
#include <stdio.h>
#include <string.h>

#define BLANKS " \t"

struct scan {
	const char *path;
	unsigned number;
	char section[INI_LINE_MAX + 1]; /* "" before the first header */
	ini_visit *visit;
	void *context;
	struct text *why;
};

static int refuse(const struct scan *scan, const char *what)
{
	why_add_place(scan->why, scan->path, scan->number);
	text_add(scan->why, what);
	return -EINVAL;
}

/* Cuts the blanks off both ends of text. */
static char *strip(char *text)
{
	char *end;

	text += strspn(text, BLANKS);
	end = text + strlen(text);
	while (end > text && strchr(BLANKS, end[-1]))
		*--end = '\0';
	return text;
}

void ini_lower(char *text)
{
	for (; *text != '\0'; text++)
		if (*text >= 'A' && *text <= 'Z')
			*text = (char)(*text - 'A' + 'a');
}

static int check_bytes(const struct scan *scan, const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)line[i];

		if ((c >= ' ' && c != 0x7f) || c == '\t')
			continue;
		why_add_place(scan->why, scan->path, scan->number);
		text_addf(scan->why, "control character 0x%02x%s", c,
			  c == '\r' ? "; write the file with Unix line ends" : "");
		return -EINVAL;
	}
	return 0;
}

static int scan_header(struct scan *scan, char *line)
{
	char *end = strchr(line, ']');
	const char *name;

	if (!end || end[1] != '\0' || strchr(line + 1, '['))
		return refuse(scan, "a section header is [name], alone on its line");
	*end = '\0';
	name = strip(line + 1);
	if (*name == '\0')
		return refuse(scan, "a section header without a name");
	memcpy(scan->section, name, strlen(name) + 1);
	ini_lower(scan->section);
	return scan->visit(scan->context,
			   &(struct ini_line){scan->number, scan->section, NULL, NULL});
}

/* Cuts value, which begins with a quote, down to what stands in its quotes. */
static int unquote(const struct scan *scan, char **value)
{
	char *start = *value, *end = strchr(start + 1, *start);
	const char *rest;

	if (!end)
		return refuse(scan, "a quote is opened, but not closed");
	rest = end + 1 + strspn(end + 1, BLANKS);
	if (*rest != '\0' && *rest != '#' && *rest != ';')
		return refuse(scan, "something stands behind the closing quote");
	*end = '\0';
	if (strchr(start, '\\'))
		return refuse(scan,
			      "a '\\' in quotes, which iniparser 4.1 and 4.2 read differently");
	*value = start + 1;
	return 0;
}

/* iniparser ends a value at any '#' or ';', also amid a word; that would go unnoticed. */
static int cut_comment(const struct scan *scan, char *value)
{
	char *end = value + strcspn(value, "#;");

	if (*end != '\0' && end > value && !strchr(BLANKS, end[-1])) {
		why_add_place(scan->why, scan->path, scan->number);
		text_addf(scan->why,
			  "a comment begins at '%c'; put a blank before it, or the value in quotes",
			  *end);
		return -EINVAL;
	}
	*end = '\0';
	return 0;
}

static int scan_setting(struct scan *scan, char *line)
{
	char *equals = strchr(line, '='), *key, *value;
	int r;

	if (equals)
		*equals = '\0';
	key = strip(line);
	if (!equals || *key == '\0')
		return refuse(scan, "neither a [section] nor key = value");
	ini_lower(key);
	if (scan->section[0] == '\0') {
		why_add_place(scan->why, scan->path, scan->number);
		text_add(scan->why, "'");
		why_add_shown(scan->why, key);
		text_add(scan->why, "' stands before the first [section]");
		return -EINVAL;
	}
	value = strip(equals + 1);
	if (*value == '"' || *value == '\'')
		r = unquote(scan, &value);
	else {
		r = cut_comment(scan, value);
		value = strip(value);
	}
	if (r < 0)
		return r;
	return scan->visit(scan->context,
			   &(struct ini_line){scan->number, scan->section, key, value});
}

static int scan_line(struct scan *scan, const char *bytes, size_t len)
{
	char copy[INI_LINE_MAX + 1], *line;
	int r;

	if (len > INI_LINE_MAX) {
		why_add_place(scan->why, scan->path, scan->number);
		text_addf(scan->why, "a line of %zu bytes, %d at most can be read", len,
			  INI_LINE_MAX);
		return -EINVAL;
	}
	r = check_bytes(scan, bytes, len);
	if (r < 0)
		return r;
	memcpy(copy, bytes, len);
	copy[len] = '\0';
	line = strip(copy);
	if (*line == '\0')
		return 0;
	/* iniparser glues the next line to this one, comment or not */
	if (line[strlen(line) - 1] == '\\')
		return refuse(scan, "a '\\' at the end: lines can't be continued");
	if (*line == '#' || *line == ';')
		return 0;
	return *line == '[' ? scan_header(scan, line) : scan_setting(scan, line);
}

int ini_scan(const struct ini_source *source, ini_visit *visit, void *context, struct text *why)
{
	struct scan scan = {.path = source->path, .visit = visit, .context = context, .why = why};
	const char *bytes = source->bytes, *end = bytes + source->len;

	while (bytes < end) {
		const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));
		const char *line_end = newline ? newline : end;
		int r;

		scan.number++;
		r = scan_line(&scan, bytes, (size_t)(line_end - bytes));
		if (r < 0)
			return r;
		bytes = newline ? newline + 1 : end;
	}
	return 0;
}

/* -- iniparser ----------------------------------------------------------------------------- */

static int say_nothing(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int say_nothing(const char *format, ...)
{
	(void)format;
	return 0;
}

struct load {
	const struct ini_source *source;
	ini_visit *claim, *take;
	void *context;
	struct text *why;
	size_t settings;
	dictionary *read;
};

static int claim_line(void *context, const struct ini_line *line)
{
	struct load *load = context;

	if (line->key)
		load->settings++;
	return load->claim(load->context, line);
}

static int take_line(void *context, const struct ini_line *line)
{
	struct load *load = context;
	struct ini_line taken = *line;
	char name[2 * INI_LINE_MAX + 2];

	if (!line->key)
		return 0;
	(void)snprintf(name, sizeof name, "%s:%s", line->section, line->key);
	taken.value = iniparser_getstring(load->read, name, NULL);
	if (!taken.value || strcmp(taken.value, line->value) != 0) {
		why_add_place(load->why, load->source->path, line->number);
		text_add(load->why, "iniparser reads this line differently; write it plainer");
		return -EINVAL;
	}
	return load->take(load->context, &taken);
}

static size_t count_settings(const dictionary *read)
{
	size_t n = 0;

	for (size_t i = 0; i < (size_t)read->size; i++)
		if (read->key[i] && strchr(read->key[i], ':'))
			n++;
	return n;
}

static dictionary *read_values(int fd)
{
	char path[32];

	/* The name could mean another file by now; the descriptor still means the checked one */
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	iniparser_set_error_callback(say_nothing);
	return iniparser_load(path);
}

int ini_load(const struct ini_source *source, ini_visit *claim, ini_visit *take, void *context,
	     struct text *why)
{
	struct load load = {source, claim, take, context, why, 0, NULL};
	int r = ini_scan(source, claim_line, &load, why);

	if (r < 0)
		return r;
	load.read = read_values(source->fd);
	if (load.read && count_settings(load.read) == load.settings) {
		r = ini_scan(source, take_line, &load, why);
	} else {
		why_add_place(why, source->path, 0);
		text_add(why, load.read ? "iniparser reads it differently; did it just change?"
					: "iniparser cannot read it");
		r = -EINVAL;
	}
	if (load.read)
		iniparser_freedict(load.read);
	return r;
}
