/* SPDX-License-Identifier: MIT */
#include "daemon/handover.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "daemon/daemon.h"
#include "sys/heldfile.h"

#include <errno.h>
#include <string.h>

/* -- the file ---------------------------------------------------------------------------------- */

/* Killed at a look it may have been by chance, or by a service manager that had no answer. */
static void open_lookout(struct daemon *daemon)
{
	struct lookout *lookout = &daemon->lookout;
	const struct lookout_user *user;
	char path[1024];
	struct text text = TEXT_OVER(path);
	int r;

	text_addf(&text, "%s" LOOKOUT_SUFFIX, daemon->config.params.daemon.lockfile);
	r = lookout_open(lookout, path, &daemon->sampler.procfs);
	if (r < 0)
		log_warning("%s can't be used: %s; a user who holds this daemon up can do so with "
			    "the next one",
			    path, text_error(-r));
	if (r < 0 || !lookout->added)
		return;
	user = &lookout->page->users[lookout->page->n - 1];
	log_warning("the daemon before this one ended while it looked at pid=%d uid=%u times=%u",
		    user->pid, user->uid, user->times);
	if (user->times >= LOOKOUT_TIMES)
		log_warning("%s looked at any more: uid=%u pid=%d; remove %s and start again if "
			    "that is wrong",
			    user->uid > 0 ? "programs of a user aren't"
					  : "a program of root's isn't",
			    user->uid, user->pid, path);
}

void handover_open(struct daemon *daemon)
{
	struct handover *handover = &daemon->handover;
	char path[1024];
	struct text text = TEXT_OVER(path);
	ssize_t n;
	int fd;

	open_lookout(daemon);
	text_addf(&text, "%s" HANDOVER_SUFFIX, daemon->config.params.daemon.lockfile);
	fd = heldfile_open(path);
	n = fd < 0 ? fd : heldfile_read(fd, handover->text, sizeof handover->text);
	if (n < 0) {
		log_warning("%s can't be used: %s; a daemon after this one won't know what this "
			    "one has moved out",
			    path, text_error((int)-n));
		close_fd(&fd);
		return;
	}
	handover->fd = fd;
	handover->n_found = handover_parse(handover->text, handover->found);
}

void handover_close(struct daemon *daemon)
{
	if (daemon->handover.fd > 0)
		close_fd(&daemon->handover.fd);
	daemon->handover.fd = 0;
}

/* -- taking over ------------------------------------------------------------------------------- */

static void forget(struct handover *handover, size_t at)
{
	handover->found[at] = handover->found[--handover->n_found];
}

void handover_note_users(struct daemon *daemon)
{
	const struct handover *handover = &daemon->handover;
	struct proc_facts facts;

	for (size_t i = 0; i < handover->n_found; i++)
		if (handover->found[i].frozen &&
		    attached_look(&daemon->attached, &handover->found[i].id, &facts) == 0)
			attached_note_user(&daemon->attached, facts.uid);
}

/* Nobody can be asked whether it is swapped still. What doesn't run may be: it stays known, for a
 * later scan or a later daemon. */
static bool may_be_frozen(const struct daemon *daemon, const struct proc_id *id)
{
	struct proc_facts facts;
	int r = attached_look(&daemon->attached, id, &facts);

	if (r == -ESRCH)
		log_info("swapped by an earlier daemon, and has ended pid=%d", id->pid);
	else if (r == 0 && !attached_is_stopped(facts.state))
		log_info("swapped by an earlier daemon, and runs again pid=%d name=%s", id->pid,
			 FMT_SAFE(facts.comm));
	return r == 0 ? attached_is_stopped(facts.state) : r != -ESRCH;
}

void handover_take_frozen(struct daemon *daemon)
{
	struct handover *handover = &daemon->handover;

	for (size_t i = handover->n_found; i-- > 0;) {
		const struct handover_record *record = &handover->found[i];
		struct attached *entry = attached_find(&daemon->attached, &record->id);
		bool known = entry && entry->id.start_ticks;

		/* whose identity isn't known yet is asked first */
		if (!record->frozen || (entry && !known && entry->silences == 0))
			continue;
		if (known)
			attached_inherit(entry, record->bytes);
		else if (may_be_frozen(daemon, &record->id))
			continue;
		forget(handover, i);
	}
}

void handover_take_paged(struct daemon *daemon, uint64_t now_ns)
{
	struct handover *handover = &daemon->handover;
	const struct executor *executor = &daemon->executor;
	uint8_t backend = 0;

	while (backend < executor->n_backends && executor->backends[backend].ops->freezes)
		backend++;
	for (size_t i = handover->n_found; i-- > 0;) {
		const struct handover_record *record = &handover->found[i];
		struct proc *proc = sampler_find(&daemon->sampler, &record->id);

		if (record->frozen)
			continue;
		if (proc && backend < executor->n_backends &&
		    sampler_refresh(&daemon->sampler, proc, now_ns) == 0) {
			idle_note_out(&proc->past, &proc->facts, record->bytes, now_ns);
			proc->past.held_by = backend;
		}
		forget(handover, i);
	}
}

bool handover_expects(const struct daemon *daemon, int32_t pid)
{
	const struct handover *handover = &daemon->handover;

	for (size_t i = 0; i < handover->n_found; i++)
		if (handover->found[i].id.pid == pid)
			return true;
	return false;
}

bool handover_awaits_frozen(const struct daemon *daemon)
{
	const struct handover *handover = &daemon->handover;

	for (size_t i = 0; i < handover->n_found; i++)
		if (handover->found[i].frozen)
			return true;
	return false;
}

/* -- handing over ------------------------------------------------------------------------------ */

static uint64_t sum_of(const struct text *text)
{
	uint64_t sum = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

	for (size_t i = 0; i < text->len; i++)
		sum = (sum ^ (unsigned char)text->buf[i]) * UINT64_C(0x100000001b3);
	return sum;
}

void handover_save(struct daemon *daemon)
{
	struct handover *handover = &daemon->handover;
	const struct snapshot *snapshot = &daemon->sampler.snapshot;
	struct text text = text_over(handover->text, sizeof handover->text);
	int r;

	if (handover->fd <= 0)
		return;
	handover_begin(&text);
	for (size_t i = 0; i < handover->n_found; i++)
		handover_add(&text, &handover->found[i]);
	/* also who is on his way: this daemon may not live to see it */
	for (size_t i = 0; i < daemon->attached.n; i++) {
		const struct attached *entry = &daemon->attached.entries[i];

		if (entry->ours && entry->id.start_ticks)
			handover_add(&text, &(struct handover_record){entry->id, entry->moved_bytes,
								      .frozen = true});
	}
	for (size_t i = 0; i < snapshot->n_procs; i++)
		if (snapshot->procs[i].past.out_bytes >= CRUMB_BYTES)
			handover_add(&text, &(struct handover_record){
						    .id = snapshot->procs[i].facts.id,
						    .bytes = snapshot->procs[i].past.out_bytes});
	if (sum_of(&text) == handover->written)
		return;
	r = heldfile_write(handover->fd, text.buf, text.len);
	handover->written = sum_of(&text);
	if (r < 0)
		log_warning("what is out can't be written beside the lock: %s", text_error(-r));
}
