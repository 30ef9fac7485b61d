/* SPDX-License-Identifier: MIT */
/* What an attached program answers, proto/wire.h, taken apart. A claim: whoever answers may lie. */
#pragma once
#include "proto/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest answer there is */
#define WIRETEXT_MAX (1 + WIRE_TEXT_MAX)

enum wiretext_state {
	WIRETEXT_UNKNOWN, /* not said, or a word that we don't know */
	WIRETEXT_RUNNING,
	WIRETEXT_SWAPPING,
	WIRETEXT_SWAPPED,
	WIRETEXT_UNSWAPPING
};

/* What isn't said is 0 or empty. */
struct wiretext {
	enum wire_reply reply;
	bool has_text; /* false: an older one, that sends the reply alone */
	enum wiretext_state state;
	uint64_t since_ns, image_bytes, held_bytes;
	int32_t helper;
	char mode[16];
	char by[16];
	char error[16]; /* "ENOSPC" */
	char image[WIRE_TEXT_MAX], reason[WIRE_TEXT_MAX];
};

/*
 * Takes the whole answer apart: the reply byte and what follows it. -EBADMSG where it isn't one of
 * ours (no such reply, a line that isn't key=value, is torn, doubled, or has control characters,
 * a number that isn't one, a reason without an error), -EMSGSIZE where it is longer than one may
 * be; *ret untouched then. Keys that we don't know are passed over.
 */
int wiretext_parse(const char *data, size_t len, struct wiretext *ret);

/* Whether an answer may begin with this byte. */
static inline bool wiretext_may_begin(unsigned char first)
{
	return first <= WIRE_NOOP;
}

/* "swapped"; "unknown" */
const char *wiretext_state_name(enum wiretext_state state);
