/* SPDX-License-Identifier: MIT */
/* The command line of memadvise. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum memadvise_mode { MODE_COLD, MODE_PAGEOUT, MODE_WILLNEED };

struct memadvise_args {
	enum { DO_ADVISE, DO_HELP, DO_VERSION } what;
	enum memadvise_mode mode;
	unsigned percent;
	uint64_t max_bytes; /* UINT64_MAX: no cap */
	bool dry_run, verbose, json, coldest;
	uint64_t watch_ns; /* 0: once */
	/* Each names targets: "12", "12,13", "12 13"; NULL behind the last. memadvise_args_free */
	const char **words;
	size_t n_words;
};

/* Takes argv apart, complaining on stderr. 0, -EINVAL (then said), -ENOMEM. */
int memadvise_args_parse(int argc, char **argv, struct memadvise_args *ret);
void memadvise_args_free(struct memadvise_args *args);

void memadvise_help(FILE *out);

/* "cold", "pageout", "willneed" */
const char *memadvise_mode_name(enum memadvise_mode mode);

/*
 * The next target in *at, between blanks and commas, which is moved past it: its beginning in
 * *ret_word, its length returned; 0 at the end.
 */
size_t memadvise_next_target(const char **at, const char **ret_word);
