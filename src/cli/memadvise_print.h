/* SPDX-License-Identifier: MIT */
/* What memadvise tells of a round over a target: text for people, or JSON. */
#pragma once
#include "cli/memadvise_target.h"

/* The report as text, aligned. */
void memadvise_print(const struct memadvise_args *args, const struct target *target,
		     const struct report *report, FILE *out);

/* The same in one line for --watch, and what stands above its columns. */
void memadvise_print_head(FILE *out);
void memadvise_print_line(const struct memadvise_args *args, const struct target *target,
			  const struct report *report, const char *clock, FILE *out);

/* One JSON object and a newline: memadvise(1) has the keys. 0 or -ENOMEM. */
int memadvise_print_json(const struct memadvise_args *args, const struct target *target,
			 const struct report *report, FILE *out);

/* Why a region isn't eligible, in a word. */
const char *memadvise_reason(enum region_kind kind);
