/* SPDX-License-Identifier: MIT */
/* The steps of a conversation, over socketpairs: the other side is the test. */
#include "backend/swapify.h"

#include "base/log.h"
#include "unit/builders.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define NOW LATER
#define TIMEOUT (5 * NS_PER_MIN)
#define PID 4711

/* The table with one program, and a request to it that has been sent */
static struct attached_table table;
static struct swapify swapify;
static struct job job;
static struct attached *entry;
static int other; /* the program's end */

static void start(enum action_verb verb)
{
	static const struct swapify_params params = {.enabled = true, .timeout_ns = TIMEOUT};
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	table = (struct attached_table){.n = 1};
	entry = &table.entries[0];
	*entry = (struct attached){.id = {PID, 99},
				   .uid = 1000,
				   .listed = true,
				   .state = verb == ACTION_RECLAIM ? ATTACHED_RUNNING
								   : ATTACHED_SWAPPED,
				   .question_fd = -1};
	swapify = (struct swapify){.table = &table, .params = &params};
	/* what a job before has left there */
	memset(swapify.slots[1].answer, 'x', sizeof swapify.slots[1].answer);
	job = (struct job){.action = {.verb = verb, .id = {PID, 99}, .bytes = 20 * MIB},
			   .slot = 1,
			   .wait_fd = pair[0],
			   .effect = JOB_MOVES,
			   .wait_events = EPOLLIN | EPOLLRDHUP};
	other = pair[1];
	attached_note_request(entry);
}

static int step(uint64_t now_ns)
{
	return reclaim_swapify.step(&swapify, &job, 32 * MIB, now_ns);
}

static void say(const void *data, size_t len)
{
	ck_assert_int_eq(send(other, data, len, MSG_NOSIGNAL), (ssize_t)len);
}
#define SAY(literal) say((literal), sizeof(literal) - 1)

static void hang_up(void)
{
	(void)close(other);
	other = -1;
}

static void end(void)
{
	reclaim_swapify.end(&swapify, &job);
	ck_assert_int_eq(job.wait_fd, -1);
	if (other >= 0)
		hang_up();
}

START_TEST(a_good_answer)
{
	start(ACTION_RECLAIM);
	ck_assert_int_eq(entry->state, ATTACHED_BUSY);
	ck_assert_int_eq(step(NOW), STEP_WAIT);
	ck_assert_uint_eq(job.deadline_ns, NOW + TIMEOUT);
	SAY("\0state=swapped\nheld_bytes=123456789\n");
	ck_assert_int_eq(step(NOW + NS_PER_S), STEP_WAIT); /* until the end of the stream */
	hang_up();
	ck_assert_int_eq(step(NOW + 2 * NS_PER_S), STEP_DONE);
	ck_assert_int_eq(entry->state, ATTACHED_SWAPPED);
	ck_assert(entry->ours);
	ck_assert_uint_eq(entry->held_bytes, 123456789);
	ck_assert_uint_eq(entry->since_ns, NOW + 2 * NS_PER_S);
	ck_assert_uint_eq(job.done_bytes, 20 * MIB);
	end();
	ck_assert_int_eq(entry->state, ATTACHED_SWAPPED);
}
END_TEST

START_TEST(back_again)
{
	start(ACTION_RESTORE);
	SAY("\2state=running\n"); /* it is there already: as good */
	hang_up();
	ck_assert_int_eq(step(NOW), STEP_WAIT);
	ck_assert_int_eq(step(NOW), STEP_DONE);
	ck_assert_int_eq(entry->state, ATTACHED_RUNNING);
	ck_assert(!entry->ours);
	ck_assert_uint_eq(entry->held_bytes, 0);
	end();
}
END_TEST

/* The original says one byte; one kind of it closes behind it, the other waits for us. */
START_TEST(an_old_one)
{
	start(ACTION_RECLAIM);
	SAY("\0");
	ck_assert_int_eq(step(NOW), STEP_WAIT);
	ck_assert_uint_eq(job.deadline_ns, NOW + NS_PER_S);
	ck_assert_int_eq(step(NOW), STEP_WAIT);
	job.expired = true;
	ck_assert_int_eq(step(NOW + NS_PER_S), STEP_DONE);
	ck_assert_int_eq(entry->state, ATTACHED_SWAPPED);
	end();

	start(ACTION_RECLAIM);
	SAY("\0");
	hang_up();
	ck_assert_int_eq(step(NOW), STEP_WAIT);
	ck_assert_int_eq(step(NOW), STEP_DONE);
	ck_assert_int_eq(entry->state, ATTACHED_SWAPPED);
	end();
}
END_TEST

/* Byte by byte it takes no longer than at once. */
START_TEST(a_slow_one)
{
	static const char answer[] = "\0state=swapped\n";
	uint64_t now_ns = NOW, deadline_ns;

	start(ACTION_RECLAIM);
	ck_assert_int_eq(step(now_ns), STEP_WAIT);
	now_ns += NS_PER_MIN;
	say(answer, 1);
	ck_assert_int_eq(step(now_ns), STEP_WAIT);
	deadline_ns = job.deadline_ns;
	ck_assert_uint_eq(deadline_ns, now_ns + NS_PER_S);
	for (size_t i = 1; i < sizeof answer - 1; i++) {
		now_ns += 10 * NS_PER_MS;
		say(answer + i, 1);
		ck_assert_int_eq(step(now_ns), STEP_WAIT);
		ck_assert_uint_eq(job.deadline_ns, deadline_ns);
	}
	hang_up();
	ck_assert_int_eq(step(now_ns), STEP_DONE);
	end();
	/* nor is the deadline put off by the first byte */
	start(ACTION_RECLAIM);
	ck_assert_int_eq(step(NOW), STEP_WAIT);
	SAY("\0");
	ck_assert_int_eq(step(NOW + TIMEOUT - 1), STEP_WAIT);
	ck_assert_uint_eq(job.deadline_ns, NOW + TIMEOUT);
	end();
}
END_TEST

START_TEST(silence)
{
	start(ACTION_RECLAIM);
	ck_assert_int_eq(step(NOW), STEP_WAIT);
	job.expired = true;
	ck_assert_int_eq(step(NOW + TIMEOUT), -ETIMEDOUT);
	end();
	/* where it is, is not known: it's asked at once */
	ck_assert_int_eq(entry->state, ATTACHED_BUSY);
	ck_assert_uint_eq(entry->next_ns, 0);
	ck_assert_uint_eq(job.done_bytes, 0);
}
END_TEST

START_TEST(no_answer_at_all)
{
	start(ACTION_RECLAIM);
	hang_up();
	ck_assert_int_eq(step(NOW), -EPROTO);
	end();
	ck_assert_int_eq(entry->state, ATTACHED_BUSY);
	ck_assert_uint_eq(entry->next_ns, 0);

	/* closed with our request unread: the reset is an end, too */
	start(ACTION_RECLAIM);
	ck_assert_int_eq(send(job.wait_fd, "\1", 1, MSG_NOSIGNAL), 1);
	hang_up();
	ck_assert_int_eq(step(NOW), -EPROTO);
	end();
}
END_TEST

struct sent {
	const char *what, *data;
	size_t len;
	int result; /* at the end of the stream */
};
#define SENT(what, literal, result)                        \
	{                                                  \
		what, literal, sizeof(literal) - 1, result \
	}

static const struct sent wrong[] = {
	SENT("no such reply", "\3state=swapped\n", -EPROTO),
	SENT("text first", "state=swapped\n", -EPROTO),
	SENT("NULs", "\0\0\0\0\0\0\0\0\0\0", -EPROTO),
	SENT("half a line", "\0state=swapped\nheld_by", -EPROTO),
	SENT("no newline at the end", "\0state=swapped", -EPROTO),
	SENT("doubled", "\0state=swapped\nstate=swapped\n", -EPROTO),
	SENT("a huge number", "\0held_bytes=18446744073709551616\n", -EPROTO),
	SENT("a negative number", "\0held_bytes=-1\n", -EPROTO),
	SENT("a reason without an error", "\0state=swapped\nreason=why\n", -EPROTO),
	SENT("a NUL in a word", "\0state=swap\0ped\n", -EPROTO),
	SENT("high bytes", "\0\xff\xfe=\x80\n", -EPROTO),
	SENT("an error of no name", "\1error=ENOTHING\n", -EIO),
	SENT("an error without one", "\1state=running\n", -EIO),
	SENT("an old one's error", "\1", -EIO),
	SENT("no space", "\1error=ENOSPC\nreason=the disk is full\n", -ENOSPC),
	SENT("a name that is too long", "\1error=ENOSPCENOSPCENOSPC\n", -EPROTO),
};

START_TEST(wrong_answers)
{
	for (size_t i = 0; i < ROWS(wrong); i++) {
		const struct sent *sent = &wrong[i];
		int r;

		start(ACTION_RECLAIM);
		say(sent->data, sent->len);
		hang_up();
		while ((r = step(NOW)) == STEP_WAIT)
			continue;
		ck_assert_msg(r == sent->result, "%s: %d", sent->what, r);
		end();
		ck_assert_msg(entry->state == ATTACHED_BUSY && entry->held_bytes == 0 &&
				      entry->next_ns == 0 && job.done_bytes == 0,
			      "%s has changed something", sent->what);
	}
}
END_TEST

/* Words that mean something to the executor: a stranger must not say them. */
START_TEST(words_of_the_executor)
{
	static const char *const names[] = {"ESRCH", "ETIMEDOUT", "ECANCELED"};

	for (size_t i = 0; i < ROWS(names); i++) {
		char answer[64] = "\1";
		int len = snprintf(answer + 1, sizeof answer - 1, "error=%s\n", names[i]);

		start(ACTION_RECLAIM);
		say(answer, (size_t)len + 1);
		hang_up();
		ck_assert_int_eq(step(NOW), STEP_WAIT);
		ck_assert_msg(step(NOW) == -EIO, "%s", names[i]);
		end();
	}
}
END_TEST

/* Ever more, without an end: no more of it is read than an answer may have. */
START_TEST(a_flood)
{
	char flood[16384];
	int r = STEP_WAIT;

	memset(flood, 0, sizeof flood);
	start(ACTION_RECLAIM);
	say(flood, sizeof flood);
	for (int i = 0; r == STEP_WAIT && i < 100; i++)
		r = step(NOW);
	ck_assert_int_eq(r, -EPROTO);
	ck_assert_uint_le(swapify.slots[1].len, sizeof swapify.slots[1].answer);
	ck_assert_int_gt(recv(job.wait_fd, flood, sizeof flood, MSG_DONTWAIT), 0);
	end();
}
END_TEST

START_TEST(the_longest_answer)
{
	char answer[WIRETEXT_MAX + 1] = "";
	int r;

	memset(answer + 1, 'x', sizeof answer - 1);
	answer[10] = '=';
	answer[WIRETEXT_MAX - 1] = '\n';
	start(ACTION_RECLAIM);
	say(answer, WIRETEXT_MAX);
	hang_up();
	ck_assert_int_eq(step(NOW), STEP_WAIT);
	ck_assert_int_eq(step(NOW), STEP_DONE);
	end();
	/* one more is one too many */
	start(ACTION_RECLAIM);
	say(answer, sizeof answer);
	while ((r = step(NOW)) == STEP_WAIT)
		continue;
	ck_assert_int_eq(r, -EPROTO);
	end();
}
END_TEST

/* What it says goes into a line of ours: it must not look like more than that. */
START_TEST(a_reason)
{
	const char *why = swapify.slots[1].why;

	start(ACTION_RECLAIM);
	SAY("\1error=EIO\nreason=\"pid=1\" swapped \xc2\x9b"
	    "31m\n");
	hang_up();
	ck_assert_int_eq(step(NOW), STEP_WAIT);
	ck_assert_int_eq(step(NOW), -EIO);
	ck_assert_ptr_nonnull(strstr(why, "pid?1"));
	ck_assert_ptr_null(strpbrk(why, "=\"\n"));
	for (const char *c = why; *c; c++)
		ck_assert_msg(*c >= ' ' && *c <= '~', "a byte %#x", (unsigned char)*c);
	end();
	ck_assert_uint_eq(entry->async_io_ns, 0);
}
END_TEST

/* Who it is stands behind it in a line of the log, which is cut at its end. */
START_TEST(a_long_reason)
{
	const char *why = swapify.slots[1].why;
	char answer[WIRE_TEXT_MAX];

	memset(answer, 'x', sizeof answer);
	memcpy(answer, "\1reason=", 8);
	answer[sizeof answer - 1] = '\n';
	start(ACTION_RECLAIM);
	say(answer, sizeof answer);
	hang_up();
	ck_assert_int_eq(step(NOW), STEP_WAIT);
	ck_assert_int_eq(step(NOW), -EIO);
	ck_assert_uint_eq(strlen(why), SWAPIFY_WHY_MAX - 1);
	ck_assert_uint_lt(strlen(why) + 200, LOG_LINE_MAX);
	end();
}
END_TEST

START_TEST(async_io_is_remembered)
{
	start(ACTION_RECLAIM);
	SAY("\1error=EINPROGRESS\nreason=it uses io_uring\n");
	hang_up();
	ck_assert_int_eq(step(NOW), STEP_WAIT);
	ck_assert_int_eq(step(NOW), -EINPROGRESS);
	end();
	ck_assert_uint_eq(entry->async_io_ns, NOW + NS_PER_H);
}
END_TEST

/* Its socket has gone from the table meanwhile: nothing of it is touched any more. */
START_TEST(gone_from_the_table)
{
	start(ACTION_RECLAIM);
	table.n = 0;
	SAY("\0state=swapped\n");
	hang_up();
	ck_assert_int_eq(step(NOW), STEP_WAIT);
	ck_assert_int_eq(step(NOW), STEP_DONE);
	end();
	ck_assert_int_eq(reclaim_swapify.begin(&swapify, &job), -ESRCH);
}
END_TEST

static struct proc proc_of(struct proc_id id, uint32_t uid, uint64_t anon_bytes)
{
	return (struct proc){.facts = {.id = id, .uid = uid, .anon_bytes = anon_bytes}};
}

/* Whom it takes: who is known to be attached, to run, and to be whose directory it is. */
START_TEST(estimates)
{
	struct proc good = proc_of((struct proc_id){PID, 99}, 1000, 20 * MIB);
	struct proc reused = proc_of((struct proc_id){PID, 100}, 1000, 20 * MIB);
	struct proc other_pid = proc_of((struct proc_id){PID + 1, 99}, 1000, 20 * MIB);
	struct proc other_user = proc_of((struct proc_id){PID, 99}, 1001, 20 * MIB);
	struct proc small = proc_of((struct proc_id){PID, 99}, 1000, CRUMB_BYTES - 1);

	start(ACTION_RECLAIM);
	end();
	ck_assert_uint_eq(reclaim_swapify.estimate(&swapify, &good), 0); /* busy */
	entry->state = ATTACHED_UNKNOWN;
	ck_assert_uint_eq(reclaim_swapify.estimate(&swapify, &good), 0);
	entry->state = ATTACHED_SWAPPED;
	ck_assert_uint_eq(reclaim_swapify.estimate(&swapify, &good), 0);
	entry->state = ATTACHED_RUNNING;
	ck_assert_uint_eq(reclaim_swapify.estimate(&swapify, &good), 20 * MIB);
	ck_assert_uint_eq(reclaim_swapify.estimate(&swapify, &reused), 0);
	ck_assert_uint_eq(reclaim_swapify.estimate(&swapify, &other_pid), 0);
	ck_assert_uint_eq(reclaim_swapify.estimate(&swapify, &other_user), 0);
	ck_assert_uint_eq(reclaim_swapify.estimate(&swapify, &small), 0);
	entry->id.start_ticks = 0; /* nobody has verified who listens */
	ck_assert_uint_eq(reclaim_swapify.estimate(&swapify, &good), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_good_answer,
		back_again,
		an_old_one,
		a_slow_one,
		silence,
		no_answer_at_all,
		wrong_answers,
		words_of_the_executor,
		a_flood,
		the_longest_answer,
		a_reason,
		a_long_reason,
		async_io_is_remembered,
		gone_from_the_table,
		estimates,
	};

	return RUN_TESTS("swapify", tests);
}
