/* SPDX-License-Identifier: MIT */
#include "shim/helper.h"
#include "shim/filter.h"
#include "shim/hold.h"
#include "shim/image.h"
#include "shim/places.h"
#include "shim/process.h"
#include "shim/rawsys.h"
#include "shim/socket.h"
#include "shim/swapin.h"
#include "shim/swapout.h"

#include <errno.h>
#include <fcntl.h>
#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif
#include <linux/futex.h>
#include <linux/prctl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

/* A process that was forked may exec at once, or do its little work and end: such a one needs no
 * socket. */
#define FORKED_PATIENCE_MS 100
/* Whether the program is asked to end while it is swapped, or has changed where no event says so */
#define LOOK_MS 1000

static void close_inherited(void)
{
	struct numbers fds;
	int fd;

	if (RAW_3(SYS_close_range, 0, ~0U, 0) == 0)
		return;
	/* before 5.9: what is open can be listed, by another way than closing below it */
	fds.fd = (int)RAW_4(SYS_openat, AT_FDCWD, "/proc/self/fd",
			    O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	fds.at = fds.len = 0;
	if (fds.fd < 0)
		return;
	while (numbers_next(&fds, &fd) > 0)
		if (fd != fds.fd)
			(void)RAW_1(SYS_close, fd);
	numbers_close(&fds);
}

static void ignore_core(void)
{
	/* it shares its memory: a core of it would be one of the program's */
	const struct rlimit64 none = {0, 0};

	(void)RAW_4(SYS_prlimit64, 0, RLIMIT_CORE, &none, NULL);
}

/* Waits for *life to change, which it does when the main thread ends or calls exec; the kernel
 * wakes one waiter, and pthread_join may be another: the wake is passed on. */
static void watch(void *argument)
{
	struct shim *shim = argument;
	const uint64_t one = 1;

	while (atomic_load(shim->life) == shim->life_value &&
	       RAW_4(SYS_futex, shim->life, FUTEX_WAIT, shim->life_value, NULL) != -EFAULT)
		;
	(void)RAW_4(SYS_futex, shim->life, FUTEX_WAKE, 1, NULL);
	(void)RAW_3(SYS_write, shim->fd.changed, &one, sizeof(one));
}

static void start_watch(struct shim *shim)
{
	const unsigned long flags =
		CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;

	shim->must_ask =
		!shim->life || raw_clone(flags, shim->watch_stack + sizeof(shim->watch_stack),
					 watch, shim, NULL, NULL) < 0;
}

static int open_all(struct shim *shim)
{
	/* SIGUSR1: the program is about to give up privileges, see birth_dismiss */
	const uint64_t heard = (UINT64_C(1) << (SIGCHLD - 1)) | (UINT64_C(1) << (SIGUSR1 - 1));

	shim->fd = (struct descriptors){
		.socket_dir = -1, .image_dir = -1, .listener = -1, .caller = -1, .image = -1};
	shim->fd.program = (int)RAW_2(SYS_pidfd_open, shim->program, 0);
	shim->fd.changed = (int)RAW_2(SYS_eventfd2, 0, EFD_CLOEXEC | EFD_NONBLOCK);
	shim->fd.signals =
		(int)RAW_4(SYS_signalfd4, -1, &heard, sizeof(heard), SFD_CLOEXEC | SFD_NONBLOCK);
	return shim->fd.program < 0 || shim->fd.changed < 0 || shim->fd.signals < 0 ? -1 : 0;
}

/* Memory that the program has put under a protection key is ours to read and write, too: what a
 * thread may do by which key says a register of its own, which threads of ours inherit. */
static void open_keys(void)
{
#if defined(__x86_64__) || defined(__i386__)
	unsigned a, b, c = 0, d;

	if (__get_cpuid_count(7, 0, &a, &b, &c, &d) && (c & (1U << 4))) /* OSPKE */
		__asm__ volatile(".byte 0x0f, 0x01, 0xef"		/* wrpkru */
				 :
				 : "a"(0), "c"(0), "d"(0)
				 : "memory");
#endif
}

static void settle(void)
{
	open_keys();
	close_inherited();
	(void)RAW_0(SYS_setsid);
	(void)RAW_1(SYS_chdir, "/");
	(void)RAW_1(SYS_umask, 077);
	(void)RAW_5(SYS_prctl, PR_SET_NAME, NAMES_HELPER, 0, 0, 0);
	ignore_core();
}

/* Whether the program has ended, or the address space isn't its any more */
static bool over(struct shim *shim, short program, short changed)
{
	if (program)
		return true;
	if (shim_phase(shim) != PHASE_RUNNING)
		return false; /* it stands still */
	if (changed) {
		uint64_t count;

		(void)RAW_3(SYS_read, shim->fd.changed, &count, sizeof(count));
		shim->must_ask = true;
	}
	return shim->must_ask && process_shares_memory(shim) != 1;
}

static long wait_for(struct pollfd *polls, unsigned n, long ms)
{
	const struct timespec timeout = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	return RAW_5(SYS_ppoll, polls, n, ms < 0 ? NULL : &timeout, NULL, 0);
}

static bool worth_a_socket(struct shim *shim)
{
	struct pollfd polls[] = {{.fd = shim->fd.program, .events = POLLIN},
				 {.fd = shim->fd.changed, .events = POLLIN}};

	if (!shim->forked)
		return true;
	(void)wait_for(polls, 2, FORKED_PATIENCE_MS);
	return !over(shim, polls[0].revents, polls[1].revents);
}

/* Between two chunks: who asks for the state is told, who wants something else has to wait. */
static void between(struct shim *shim)
{
	struct failure under_way;
	int request, connection = socket_accept(shim, &request);

	if (connection < 0)
		return;
	under_way = shim->failure;
	if (request != WIRE_STATUS)
		shim_fail(shim, EBUSY, "another request is being worked on", NULL);
	socket_answer(shim, connection, request == WIRE_STATUS ? WIRE_SUCCESS : WIRE_ERROR);
	shim->failure = under_way;
}

static enum wire_reply swap(struct shim *shim, int connection)
{
	if (shim_phase(shim) == PHASE_SWAPPED)
		return WIRE_NOOP;
	if (shim->untried)
		filter_probe(shim);
	socket_note_asker(shim, connection);
	return swap_out(shim, between) ? WIRE_ERROR : WIRE_SUCCESS;
}

static enum wire_reply unswap(struct shim *shim)
{
	if (shim_phase(shim) == PHASE_RUNNING)
		return WIRE_NOOP;
	return swap_in(shim, between) ? WIRE_ERROR : WIRE_SUCCESS;
}

/* False: it was told to leave. */
static bool serve(struct shim *shim)
{
	int request, connection = socket_accept(shim, &request);
	enum wire_reply reply;

	if (connection < 0)
		return true;
	switch (request) {
	case WIRE_SWAP: reply = swap(shim, connection); break;
	case WIRE_UNSWAP: reply = unswap(shim); break;
	case WIRE_STATUS: reply = WIRE_SUCCESS; break;
	case WIRE_EXIT: reply = unswap(shim) == WIRE_ERROR ? WIRE_ERROR : WIRE_SUCCESS; break;
	default:
		reply = WIRE_ERROR;
		shim_fail(shim, EINVAL, "there is no such request", NULL);
		break;
	}
	if (request == WIRE_EXIT && reply == WIRE_SUCCESS)
		socket_unbind(shim); /* who reads the answer finds nobody any more */
	socket_answer(shim, connection, reply);
	return request != WIRE_EXIT || reply != WIRE_SUCCESS;
}

/* Takes in the signals. True: we are dismissed. */
static bool read_signals(struct shim *shim)
{
	struct signalfd_siginfo info = {0};
	bool dismissed = false;

	while (RAW_3(SYS_read, shim->fd.signals, &info, sizeof(info)) > 0)
		dismissed |= info.ssi_signo == SIGUSR1 && info.ssi_pid == (uint32_t)shim->program;
	return dismissed && shim_phase(shim) == PHASE_RUNNING;
}

/* Somebody outside wants the program to run, or to end, which takes running, too. */
static void look_for_wishes(struct shim *shim)
{
	hold_look(shim);
	if (shim_phase(shim) == PHASE_SWAPPED && (shim->wanted || process_asked_to_end(shim)))
		(void)swap_in(shim, between);
}

static void loop(struct shim *shim)
{
	for (;;) {
		bool swapped = shim_phase(shim) == PHASE_SWAPPED;
		struct pollfd polls[] = {{.fd = shim->fd.program, .events = POLLIN},
					 {.fd = shim->fd.changed, .events = POLLIN},
					 {.fd = socket_waits_for(shim), .events = POLLIN},
					 {.fd = shim->fd.signals, .events = POLLIN}};
		long ms = socket_patience_ms(shim); /* of a second at most */
		bool called = ms >= 0;

		if (shim_phase(shim) == PHASE_RUNNING)
			image_close(shim);
		if (!called && (swapped || shim->must_ask))
			ms = LOOK_MS;
		(void)wait_for(polls, 4, ms);
		if (over(shim, polls[0].revents, polls[1].revents))
			return;
		if (polls[3].revents && read_signals(shim))
			return;
		/* who asks comes first, or would be told no more than that a wish is being granted
		 */
		if ((called || polls[2].revents) && !serve(shim))
			return;
		if (swapped || polls[3].revents)
			look_for_wishes(shim);
	}
}

/* Another helper was killed: what it was at goes on from what it has noted. */
static void take_over(struct shim *shim)
{
	uint64_t tracer = 1;

	/* who has started us from outside is to let go first */
	for (int tries = 0; tries < 500 && tracer; tries++) {
		if (process_status(shim, "TracerPid", 10, &tracer))
			break;
		if (tracer)
			shim_wait_ms(10);
	}
	(void)image_exchange(shim);
	if (shim->ledger.chunks && shim_phase(shim) != PHASE_RESUMING) {
		(void)hold_seize_again(shim);
		atomic_store(&shim->phase, PHASE_SWAPPED);
	} else {
		swap_in_resume(shim);
	}
}

void helper_run(struct shim *shim)
{
	settle();
	if (open_all(shim) < 0)
		return;
	start_watch(shim);
	if (!worth_a_socket(shim) || places_identify(shim) < 0)
		return;
	filter_probe(shim);
	if (shim_phase(shim) != PHASE_RUNNING)
		take_over(shim);
	/* while it is swapped there is work to do, heard or not */
	if (socket_bind(shim) == 0 || shim_phase(shim) == PHASE_SWAPPED)
		loop(shim);
	hold_look(shim); /* what has ended under our hold is for its parent to know */
	socket_unbind(shim);
	image_remove(shim);
}
