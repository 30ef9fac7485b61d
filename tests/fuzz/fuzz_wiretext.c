/* SPDX-License-Identifier: MIT */
#include "backend/wiretext.h"

#include "fuzz/fuzz.h"

#include <errno.h>

static void is_clean(const char *string, size_t cap)
{
	HOLDS(strnlen(string, cap) < cap);
	for (; *string; string++)
		HOLDS((unsigned char)*string >= ' ' && *string != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct wiretext answer;
	int r;

	memset(&answer, PATTERN, sizeof answer);
	r = wiretext_parse(text, size, &answer);
	if (r < 0) {
		HOLDS(r == (size > WIRETEXT_MAX ? -EMSGSIZE : -EBADMSG));
		HOLDS(is_untouched(&answer, sizeof answer));
		return 0;
	}
	HOLDS(r == 0 && size >= 1 && size <= WIRETEXT_MAX);
	HOLDS(answer.reply <= WIRE_NOOP && answer.reply == data[0]);
	HOLDS(answer.has_text == (size > 1) && (size == 1 || text[size - 1] == '\n'));
	HOLDS(wiretext_state_name(answer.state) && answer.helper >= 0);
	is_clean(answer.mode, sizeof answer.mode);
	is_clean(answer.error, sizeof answer.error);
	is_clean(answer.image, sizeof answer.image);
	is_clean(answer.reason, sizeof answer.reason);
	HOLDS(answer.reply == WIRE_ERROR || (!*answer.error && !*answer.reason));
	return 0;
}
