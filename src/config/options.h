/* SPDX-License-Identifier: MIT */
/* The option table: the one place that knows section, key, kind, range, default and meaning. */
#pragma once
#include "policy/params.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_type {
	OPTION_BOOL,	  /* bool */
	OPTION_PERCENT,	  /* unsigned, whole percent */
	OPTION_PERMYRIAD, /* unsigned, hundredths of a percent */
	OPTION_BYTES,	  /* uint64_t */
	OPTION_DURATION,  /* uint64_t, ns */
	OPTION_INTEGER,	  /* int64_t */
	OPTION_WORD,	  /* unsigned: index into words */
	OPTION_STRING,	  /* const char *: words apart by blanks */
	OPTION_PATH,	  /* const char *: absolute */
	OPTION_UIDS	  /* const char *: numbers apart by blanks or commas */
};

struct option_def {
	const char *section, *key;
	enum option_type type;
	size_t offset;	   /* into struct params */
	int64_t min, max;  /* inclusive, in the unit of the type; strings: length */
	const char *dflt;  /* as it stands in the file */
	const char *words; /* OPTION_WORD: names apart by '|', in the order of the enum */
	const char *help;  /* one line */
};

#define CONFIG_OPTIONS_MAX 80

extern const struct option_def config_options[];
extern const size_t config_n_options;

/* The place of section.key in the table, config_n_options where there is none. Lower case. */
size_t option_find(const char *section, const char *key);
bool option_section_known(const char *section);
