/* SPDX-License-Identifier: MIT */
/* What attached programs are asked, and what is made of their answers. */
#include "backend/attached.h"

#include "backend/wiretext.h"
#include "base/cleanup.h"
#include "base/units.h"
#include "proto/names.h"
#include "sys/procstat.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define ANSWER_NS (2 * NS_PER_S)
#define ASK_AGAIN_NS NS_PER_MIN
#define SILENCES_MAX 6			 /* then it's asked once an hour */
#define HELPER_UP_NS (10 * NS_PER_S)	 /* a new one listens by then */
#define HELPER_LOOK_NS (200 * NS_PER_MS) /* whether it does already */

static void note_silence(struct attached *entry, uint64_t now_ns)
{
	if (entry->silences < SILENCES_MAX)
		entry->silences++;
	entry->next_ns = now_ns + (ASK_AGAIN_NS << entry->silences);
}

/* Reads when it started, too, where nobody could be asked yet. */
static bool is_stopped(const struct attached_table *table, struct attached *entry)
{
	struct proc_facts facts;

	if (attached_look(table, &entry->id, &facts) < 0 || facts.uid != entry->uid)
		return false;
	entry->id.start_ticks = facts.id.start_ticks;
	return facts.state == 'T';
}

static void ask(const struct attached_table *table, struct attached *entry, uint64_t now_ns)
{
	const unsigned char question = WIRE_STATUS;
	_cleanup_close_ int fd = attached_connect(table, entry);
	bool waits = entry->orphan;

	if (fd == -ECONNREFUSED && now_ns < entry->up_ns) {
		entry->next_ns = now_ns + HELPER_LOOK_NS;
		return;
	}
	entry->orphan = fd == -ECONNREFUSED && is_stopped(table, entry);
	if (waits && entry->orphan) { /* for its turn to get a helper: that is no other silence */
		entry->next_ns = now_ns + ASK_AGAIN_NS;
		return;
	}
	if (fd < 0 || send(fd, &question, 1, MSG_NOSIGNAL | MSG_DONTWAIT) != 1) {
		note_silence(entry, now_ns);
		return;
	}
	entry->question_fd = take_fd(&fd);
	entry->deadline_ns = now_ns + ANSWER_NS;
}

void attached_ask_again(struct attached *entry)
{
	if (entry->next_ns == UINT64_MAX)
		return;
	entry->silences = 0;
	entry->next_ns = 0;
}

void attached_note_revival(struct attached *entry)
{
	close_fd(&entry->question_fd);
	entry->orphan = false;
	entry->next_ns = UINT64_MAX;
}

void attached_note_revived(struct attached *entry, bool done, uint64_t now_ns)
{
	if (done) {
		entry->up_ns = now_ns + HELPER_UP_NS;
		entry->tried = false;
	}
	if (entry->requested)
		return;
	/* once: where nobody listens then either, it takes its turn among the silent */
	entry->next_ns = now_ns + (done && entry->silences <= 1 ? HELPER_LOOK_NS
								: ASK_AGAIN_NS << entry->silences);
}

void attached_note_request(struct attached *entry)
{
	close_fd(&entry->question_fd); /* what it answers is of before */
	entry->state = ATTACHED_BUSY;
	entry->ours = entry->requested = true;
	entry->next_ns = UINT64_MAX;
}

void attached_note_result(struct attached *entry, enum attached_state state, uint64_t held_bytes,
			  uint64_t now_ns)
{
	entry->state = (uint8_t)state;
	if (state != ATTACHED_BUSY) {
		entry->settled = (uint8_t)state;
		entry->requested = false;
	}
	entry->held_bytes = state == ATTACHED_SWAPPED ? held_bytes : 0;
	entry->since_ns = now_ns;
	entry->changed = false;
	entry->ours = state != ATTACHED_RUNNING;
	entry->next_ns = state == ATTACHED_BUSY ? now_ns : now_ns + ASK_AGAIN_NS;
}

void attached_inherit(struct attached *entry, uint64_t moved_bytes)
{
	entry->ours = true;
	entry->moved_bytes = moved_bytes;
	entry->next_ns = 0;
}

void attached_note_moved(struct attached *entry, uint64_t bytes)
{
	entry->moved_bytes = bytes;
	if (entry->state == ATTACHED_SWAPPED)
		entry->held_bytes = entry->old ? bytes : u64_min(entry->held_bytes, bytes);
}

static enum attached_state state_of(const struct wiretext *answer)
{
	switch (answer->state) {
	case WIRETEXT_RUNNING: return ATTACHED_RUNNING;
	case WIRETEXT_SWAPPED: return ATTACHED_SWAPPED;
	case WIRETEXT_SWAPPING:
	case WIRETEXT_UNSWAPPING: return ATTACHED_BUSY;
	case WIRETEXT_UNKNOWN: break;
	}
	return ATTACHED_UNKNOWN;
}

/* It has come to rest: whether that is news, and whose doing. */
static void settle(struct attached_table *table, struct attached *entry, enum attached_state state,
		   const struct wiretext *answer)
{
	bool out = state == ATTACHED_SWAPPED;

	/* an earlier daemon's, too */
	if (out && strcmp(answer->by, NAMES_DAEMON) == 0)
		entry->ours = true;
	if (entry->settled != state) {
		/* that it runs isn't, at first sight */
		entry->changed = out || entry->settled == ATTACHED_SWAPPED;
		table->swapped_by_others += out && !entry->ours;
		table->unswapped_by_others += !out && entry->changed && !entry->requested;
	}
	entry->ours = entry->ours && out;
	entry->requested = false;
	entry->settled = (uint8_t)state;
}

static void take_state(struct attached_table *table, struct attached *entry,
		       const struct wiretext *answer, uint64_t now_ns)
{
	enum attached_state state = state_of(answer);

	if (state == ATTACHED_RUNNING || state == ATTACHED_SWAPPED)
		settle(table, entry, state, answer);
	entry->state = (uint8_t)state;
	entry->held_bytes = state == ATTACHED_SWAPPED ? answer->held_bytes : 0;
	if (entry->ours && entry->moved_bytes > 0)
		entry->held_bytes = u64_min(entry->held_bytes, entry->moved_bytes);
	entry->image_bytes = answer->image_bytes;
	entry->since_ns = u64_min(answer->since_ns, now_ns);
	entry->next_ns = now_ns + (state == ATTACHED_BUSY ? NS_PER_S : ASK_AGAIN_NS);
}

static void take_answer(struct attached_table *table, struct attached *entry, const char *data,
			size_t len, uint64_t now_ns)
{
	struct wiretext answer;

	if (len == 0 || wiretext_parse(data, len, &answer) < 0) {
		note_silence(entry, now_ns);
		return;
	}
	entry->silences = 0;
	entry->old = !answer.has_text;
	if (!entry->old) {
		take_state(table, entry, &answer, now_ns);
		return;
	}
	/* the original doesn't know the question: what we have done is all there is to know */
	if (entry->state == ATTACHED_UNKNOWN)
		attached_note_result(entry,
				     entry->ours && is_stopped(table, entry) ? ATTACHED_SWAPPED
									     : ATTACHED_RUNNING,
				     entry->moved_bytes, now_ns);
	entry->next_ns = now_ns + (ASK_AGAIN_NS << SILENCES_MAX);
}

/* The answer ends with the stream, or with our patience. */
static void hear(struct attached_table *table, struct attached *entry, uint64_t now_ns)
{
	struct pollfd poll_fd = {.fd = entry->question_fd, .events = 0};
	char data[WIRETEXT_MAX + 1];
	ssize_t n;

	if (poll(&poll_fd, 1, 0) <= 0 && now_ns < entry->deadline_ns)
		return;
	n = recv(entry->question_fd, data, sizeof data, MSG_DONTWAIT);
	close_fd(&entry->question_fd);
	take_answer(table, entry, data, n > 0 ? (size_t)n : 0, now_ns);
}

void attached_poll(struct attached_table *table, uint64_t now_ns)
{
	unsigned open = 0;

	for (size_t i = 0; i < table->n; i++) {
		if (table->entries[i].question_fd >= 0)
			hear(table, &table->entries[i], now_ns);
		open += table->entries[i].question_fd >= 0;
	}
	for (size_t i = 0, n = table->n; i < n && open < ATTACHED_QUESTIONS_MAX; i++) {
		struct attached *entry = &table->entries[table->turn++ % n];

		if (entry->question_fd >= 0 || now_ns < entry->next_ns)
			continue;
		ask(table, entry, now_ns);
		open++; /* also where it came to nothing: so many a tick */
	}
}

bool attached_all_heard(const struct attached_table *table)
{
	for (size_t i = 0; i < table->n; i++)
		if (table->entries[i].question_fd >= 0 || table->entries[i].next_ns == 0)
			return false;
	return true;
}

void attached_note_state(struct attached *entry, char state, uint64_t now_ns)
{
	bool stopped = attached_is_stopped(state);
	bool before = attached_is_stopped(entry->process_state);

	/* also where only its tracer has gone: that was its helper; and where it is stopped at the
	 * first look, for that may be news since it answered */
	if ((stopped || before) && state != entry->process_state && entry->next_ns != UINT64_MAX) {
		/* an old one can't be asked, but what runs isn't swapped */
		if (entry->old && !stopped && entry->state == ATTACHED_SWAPPED)
			attached_note_result(entry, ATTACHED_RUNNING, 0, now_ns);
		else if (!entry->old && (entry->silences == 0 || entry->ours))
			entry->next_ns = now_ns;
	}
	entry->process_state = state;
}
