/* SPDX-License-Identifier: MIT */
/* What one daemon tells the next, as text: a header, and a line for each process. */
#pragma once
#include "base/text.h"
#include "policy/snapshot.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HANDOVER_MAX 1024	      /* records */
#define HANDOVER_TEXT_MAX (64 * 1024) /* a record has less than 64 bytes */

/* What is out of one process. */
struct handover_record {
	struct proc_id id;
	uint64_t bytes;
	bool frozen; /* swapped to its own image; else paged out to swap */
};

/* Reads records from text and drops what is none: a file that was cut off. How many. */
size_t handover_parse(const char *text, struct handover_record ret[static HANDOVER_MAX]);

/* Writes the header; then one record after the other. */
void handover_begin(struct text *text);
void handover_add(struct text *text, const struct handover_record *record);
