/* SPDX-License-Identifier: MIT */
#include "backend/wiretext.h"

#include "base/num.h"

#include <errno.h>
#include <string.h>

static const char *const state_names[] = {
	[WIRETEXT_UNKNOWN] = "unknown",	      [WIRETEXT_RUNNING] = "running",
	[WIRETEXT_SWAPPING] = "swapping",     [WIRETEXT_SWAPPED] = "swapped",
	[WIRETEXT_UNSWAPPING] = "unswapping",
};
#define N_STATES (sizeof state_names / sizeof *state_names)

const char *wiretext_state_name(enum wiretext_state state)
{
	return state_names[state];
}

enum kind { KIND_NUMBER, KIND_PID, KIND_STATE, KIND_WORD, KIND_ERRNO, KIND_TEXT };

static const struct field {
	const char *key;
	enum kind kind;
	size_t offset, size;
} fields[] = {
#define FIELD(key, kind, member)                               \
	{                                                      \
		key, kind, offsetof(struct wiretext, member),  \
			sizeof(((struct wiretext *)0)->member) \
	}
	FIELD(WIRE_KEY_STATE, KIND_STATE, state),
	FIELD(WIRE_KEY_SINCE, KIND_NUMBER, since_ns),
	FIELD(WIRE_KEY_IMAGE_BYTES, KIND_NUMBER, image_bytes),
	FIELD(WIRE_KEY_HELD_BYTES, KIND_NUMBER, held_bytes),
	FIELD(WIRE_KEY_MODE, KIND_WORD, mode),
	FIELD(WIRE_KEY_HELPER, KIND_PID, helper),
	FIELD(WIRE_KEY_BY, KIND_TEXT, by),
	FIELD(WIRE_KEY_IMAGE, KIND_TEXT, image),
	FIELD(WIRE_KEY_ERROR, KIND_ERRNO, error),
	FIELD(WIRE_KEY_REASON, KIND_TEXT, reason),
#undef FIELD
};
#define N_FIELDS (sizeof fields / sizeof *fields)

/* A part of the answer: not NUL-terminated, and at most WIRE_TEXT_MAX long. */
struct span {
	const char *at;
	size_t len;
};

static bool is(struct span span, const char *string)
{
	return span.len == strlen(string) && memcmp(span.at, string, span.len) == 0;
}

static bool is_lower(char c)
{
	return (c >= 'a' && c <= 'z') || c == '_';
}

static bool is_upper_or_digit(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Anything but control characters, UTF-8 included */
static bool is_printable(char c)
{
	return (unsigned char)c >= ' ' && c != 0x7f;
}

static bool all(struct span span, bool (*fits)(char))
{
	for (size_t i = 0; i < span.len; i++)
		if (!fits(span.at[i]))
			return false;
	return true;
}

static int take_number(struct span value, uint64_t max, uint64_t *ret)
{
	const char *at = value.at, *end = value.at + value.len;
	uint64_t number;

	if (num_scan_u64(&at, end, &number) < 0 || at != end || number > max)
		return -EBADMSG;
	*ret = number;
	return 0;
}

static int take_state(struct span value, enum wiretext_state *ret)
{
	if (value.len == 0 || !all(value, is_lower))
		return -EBADMSG;
	*ret = WIRETEXT_UNKNOWN;
	for (size_t i = 1; i < N_STATES; i++)
		if (is(value, state_names[i]))
			*ret = (enum wiretext_state)i;
	return 0;
}

static int take_string(struct span value, bool (*fits)(char), char *ret, size_t cap)
{
	if (value.len >= cap || !all(value, fits))
		return -EBADMSG;
	memcpy(ret, value.at, value.len);
	ret[value.len] = '\0';
	return 0;
}

static int take_value(const struct field *field, struct span value, struct wiretext *answer)
{
	void *place = (char *)answer + field->offset;
	uint64_t number = 0;
	int r;

	switch (field->kind) {
	case KIND_NUMBER: return take_number(value, UINT64_MAX, place);
	case KIND_PID:
		r = take_number(value, INT32_MAX, &number);
		if (r == 0)
			*(int32_t *)place = (int32_t)number;
		return r;
	case KIND_STATE: return take_state(value, place);
	case KIND_WORD: return take_string(value, is_lower, place, field->size);
	case KIND_ERRNO: return take_string(value, is_upper_or_digit, place, field->size);
	case KIND_TEXT: return take_string(value, is_printable, place, field->size);
	}
	return -EBADMSG;
}

static int take_line(struct span line, struct wiretext *answer, unsigned *seen)
{
	const char *equals = memchr(line.at, '=', line.len);
	struct span key = {line.at, equals ? (size_t)(equals - line.at) : 0}, value;

	if (key.len == 0 || !all(key, is_lower))
		return -EBADMSG;
	value = (struct span){equals + 1, line.len - key.len - 1};
	for (size_t i = 0; i < N_FIELDS; i++) {
		if (!is(key, fields[i].key))
			continue;
		if (*seen & (1U << i))
			return -EBADMSG;
		*seen |= 1U << i;
		return take_value(&fields[i], value, answer);
	}
	return all(value, is_printable) ? 0 : -EBADMSG;
}

int wiretext_parse(const char *data, size_t len, struct wiretext *ret)
{
	const char *at, *end = data + len;
	struct wiretext answer = {0};
	unsigned seen = 0;

	if (len > WIRETEXT_MAX)
		return -EMSGSIZE;
	if (len == 0 || !wiretext_may_begin((unsigned char)*data))
		return -EBADMSG;
	answer.reply = (enum wire_reply) * data;
	answer.has_text = len > 1;
	for (at = data + 1; at < end;) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		int r = -EBADMSG;

		if (newline)
			r = take_line((struct span){at, (size_t)(newline - at)}, &answer, &seen);
		if (r < 0)
			return r;
		at = newline + 1;
	}
	if (answer.reply != WIRE_ERROR && (*answer.error || *answer.reason))
		return -EBADMSG;
	*ret = answer;
	return 0;
}
