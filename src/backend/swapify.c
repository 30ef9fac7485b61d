/* SPDX-License-Identifier: MIT */
#include "backend/swapify.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "base/units.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define REST_NS NS_PER_S     /* how long after its first byte the rest of an answer may take */
#define ASYNC_IO_NS NS_PER_H /* then one that did asynchronous I/O is tried again */
#define ERRNO_MAX 133	     /* EHWPOISON; names are looked for up to it */

static struct attached *find(const struct swapify *swapify, const struct proc_id *id)
{
	struct attached *entry = attached_find(swapify->table, id);

	/* whose identity isn't known yet isn't touched */
	return entry && entry->id.start_ticks ? entry : NULL;
}

static int swapify_probe(void *ctx, struct text *why)
{
	(void)ctx;
	(void)why;
	return 0;
}

static uint64_t swapify_estimate(void *ctx, const struct proc *proc)
{
	const struct swapify *swapify = ctx;
	const struct attached *entry = find(swapify, &proc->facts.id);

	return swapify->params->enabled && entry && entry->state == ATTACHED_RUNNING &&
			       entry->uid == proc->facts.uid &&
			       proc->facts.anon_bytes >= CRUMB_BYTES
		       ? proc->facts.anon_bytes
		       : 0;
}

/* Each of its users has an image directory of his own: how full it is shows when it's asked. */
static uint64_t swapify_room(void *ctx, const struct mem_facts *mem)
{
	(void)ctx;
	(void)mem;
	return UINT64_MAX;
}

/* The deadline isn't known before the first step, which says when now is. */
static int swapify_begin(void *ctx, struct job *job)
{
	struct swapify *swapify = ctx;
	struct swapify_slot *slot = &swapify->slots[job->slot];
	const unsigned char request = job->action.verb == ACTION_RECLAIM ? WIRE_SWAP : WIRE_UNSWAP;
	struct attached *entry = find(swapify, &job->action.id);
	_cleanup_close_ int fd = -1;

	job->effect = JOB_MOVES;
	slot->len = 0;
	slot->why[0] = '\0';
	if (!entry)
		return -ESRCH;
	fd = attached_connect(swapify->table, entry);
	if (fd < 0)
		return fd;
	if (send(fd, &request, 1, MSG_NOSIGNAL | MSG_DONTWAIT) != 1)
		return -EPIPE;
	attached_note_request(entry);
	job->wait_fd = take_fd(&fd);
	job->wait_events = EPOLLIN | EPOLLRDHUP;
	job->deadline_ns = 0;
	return 0;
}

/* Those three are words of the executor's own. */
static int errno_of(const char *name)
{
	for (int i = 1; i <= ERRNO_MAX; i++) {
		const char *candidate = strerrorname_np(i);

		if (candidate && strcmp(candidate, name) == 0)
			return i == ESRCH || i == ETIMEDOUT || i == ECANCELED ? -EIO : -i;
	}
	return -EIO;
}

/* What has been answered, into the table. 0 or -errno. */
static int conclude(struct swapify *swapify, struct job *job, uint64_t now_ns)
{
	struct swapify_slot *slot = &swapify->slots[job->slot];
	struct attached *entry = find(swapify, &job->action.id);
	bool out = job->action.verb == ACTION_RECLAIM;
	struct wiretext answer;
	struct text why = TEXT_OVER(slot->why);
	int error;

	if (slot->len == 0 || wiretext_parse(slot->answer, slot->len, &answer) < 0)
		return -EPROTO;
	if (answer.reply == WIRE_ERROR) {
		error = answer.has_text ? errno_of(answer.error) : -EIO;
		/* somebody else's words in a line of ours */
		for (char *c = answer.reason; *c; c++)
			text_addf(&why, "%c",
				  *c == '=' || *c == '"' || (unsigned char)*c > 0x7e ? '?' : *c);
		if (slot->why[0])
			job->why = slot->why;
		if (entry && error == -EINPROGRESS)
			entry->async_io_ns = now_ns + ASYNC_IO_NS;
		return error;
	}
	if (entry)
		attached_note_result(entry, out ? ATTACHED_SWAPPED : ATTACHED_RUNNING,
				     answer.has_text ? answer.held_bytes : job->action.bytes,
				     now_ns);
	job->done_bytes = job->action.bytes;
	return 0;
}

/* Reads what has come. STEP_WAIT while there may be more. */
static int swapify_step(void *ctx, struct job *job, uint64_t max_bytes, uint64_t now_ns)
{
	struct swapify *swapify = ctx;
	struct swapify_slot *slot = &swapify->slots[job->slot];
	ssize_t n;
	int r;

	(void)max_bytes;
	if (job->deadline_ns == 0)
		job->deadline_ns = now_ns + swapify->params->timeout_ns;
	n = recv(job->wait_fd, slot->answer + slot->len, sizeof slot->answer - slot->len,
		 MSG_DONTWAIT);
	if (n > 0) {
		slot->len += (size_t)n;
		job->deadline_ns = u64_min(job->deadline_ns, now_ns + REST_NS);
		return slot->len < sizeof slot->answer ? STEP_WAIT : -EPROTO;
	}
	/* an old one may keep the connection open behind its byte */
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		if (!job->expired)
			return STEP_WAIT;
		if (slot->len == 0)
			return -ETIMEDOUT;
	}
	r = conclude(swapify, job, now_ns);
	return r < 0 ? r : STEP_DONE;
}

static void swapify_end(void *ctx, struct job *job)
{
	struct swapify *swapify = ctx;
	struct attached *entry = find(swapify, &job->action.id);

	close_fd(&job->wait_fd);
	/* without a good answer it knows best where it is */
	if (entry && entry->state == ATTACHED_BUSY)
		attached_note_result(entry, ATTACHED_BUSY, 0, 0);
}

const struct reclaim_ops reclaim_swapify = {
	.name = "swapify",
	.parallel = SWAPIFY_PARALLEL,
	.per_user = SWAPIFY_PER_USER,
	.freezes = true,
	.probe = swapify_probe,
	.estimate = swapify_estimate,
	.room = swapify_room,
	.begin = swapify_begin,
	.step = swapify_step,
	.end = swapify_end,
};
