/* SPDX-License-Identifier: MIT */
#include "policy/prelock.h"

#include "base/units.h"

static const char *const words[PRELOCK__N] = {
#define X(code, word, sentence) [code] = word,
	PRELOCK_TABLE(X)
#undef X
};

static const char *const sentences[PRELOCK__N] = {
#define X(code, word, sentence) [code] = sentence,
	PRELOCK_TABLE(X)
#undef X
};

const char *prelock_word(enum prelock_verdict verdict)
{
	return words[verdict];
}

const char *prelock_sentence(enum prelock_verdict verdict)
{
	return sentences[verdict];
}

struct prelock_room prelock_room(const struct prelock_params *params, uint64_t total_bytes)
{
	uint64_t share_bytes = u64_percent(total_bytes, params->max_percent);

	if (share_bytes < params->max_total_bytes)
		return (struct prelock_room){share_bytes, PRELOCK_OVER_PERCENT};
	return (struct prelock_room){params->max_total_bytes, PRELOCK_OVER_TOTAL};
}

void prelock_judge(struct prelock_file *files, size_t n, bool rules_changed)
{
	for (size_t i = 0; i < n; i++) {
		struct prelock_file *file = &files[i];

		if (file->sharers > 0)
			file->missed = 0;
		else if (rules_changed || ++file->missed >= PRELOCK_MISSED_MAX)
			file->verdict = PRELOCK_UNUSED;
	}
}

/* < 0 where a goes before b. */
static int compare(const struct prelock_file *a, const struct prelock_file *b)
{
	bool a_locked = a->locked_bytes > 0, b_locked = b->locked_bytes > 0;

	if (a->sharers != b->sharers)
		return a->sharers > b->sharers ? -1 : 1;
	if (a_locked != b_locked)
		return a_locked ? -1 : 1;
	if (a->wanted_bytes != b->wanted_bytes)
		return a->wanted_bytes < b->wanted_bytes ? -1 : 1;
	if (a->path != b->path)
		return a->path < b->path ? -1 : 1;
	return 0;
}

/* Lets the file at root sink to its place in a heap whose first is the last in order. */
static void sink(const struct prelock_file *files, uint16_t *heap, size_t root, size_t n)
{
	for (size_t child; (child = 2 * root + 1) < n; root = child) {
		uint16_t file = heap[root];

		if (child + 1 < n && compare(&files[heap[child + 1]], &files[heap[child]]) > 0)
			child++;
		if (compare(&files[file], &files[heap[child]]) >= 0)
			return;
		heap[root] = heap[child];
		heap[child] = file;
	}
}

static void sort(const struct prelock_file *files, uint16_t *order, size_t n)
{
	for (size_t i = 0; i < n; i++)
		order[i] = (uint16_t)i;
	for (size_t i = n / 2; i-- > 0;)
		sink(files, order, i, n);
	for (size_t i = n; i-- > 1;) {
		uint16_t last = order[0];

		order[0] = order[i];
		order[i] = last;
		sink(files, order, 0, i);
	}
}

void prelock_plan(struct prelock_file *files, size_t n, const struct prelock_params *params,
		  uint64_t total_bytes, uint16_t *order)
{
	struct prelock_room room = prelock_room(params, total_bytes);

	sort(files, order, n);
	for (size_t i = 0; i < n; i++) {
		struct prelock_file *file = &files[order[i]];

		if (file->verdict != PRELOCK_LOCKED)
			continue;
		if (file->wanted_bytes == 0)
			file->verdict = PRELOCK_NOT_RESIDENT;
		else if (file->wanted_bytes > params->max_file_bytes)
			file->verdict = PRELOCK_OVER_FILE;
		else if (file->wanted_bytes > room.bytes)
			file->verdict = (uint8_t)room.limit;
		else
			room.bytes -= file->wanted_bytes;
	}
}
