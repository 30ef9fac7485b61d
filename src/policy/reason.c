/* SPDX-License-Identifier: MIT */
#include "policy/reason.h"

static const char *const words[REASON__N] = {
#define X(code, word, sentence) [code] = word,
	REASON_TABLE(X)
#undef X
};

static const char *const sentences[REASON__N] = {
#define X(code, word, sentence) [code] = sentence,
	REASON_TABLE(X)
#undef X
};

const char *reason_word(enum reason reason)
{
	return words[reason];
}

const char *reason_sentence(enum reason reason)
{
	return sentences[reason];
}
