/* SPDX-License-Identifier: MIT */
#include "daemon/loop.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/units.h"
#include "sys/clock.h"
#include "sys/psi.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>

#define LOG_RETRY_NS (10 * NS_PER_MS) /* while syslog is full */

enum { EVENT_TIMER, EVENT_SIGNAL, EVENT_PRESSURE };

static int watch(const struct loop *loop, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event event = {.events = events, .data.u64 = data};

	return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static int open_signals(void)
{
	static const int ours[] = {SIGUSR1, SIGUSR2, SIGHUP, SIGTERM, SIGINT, SIGQUIT};
	sigset_t set;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
		(void)sigaddset(&set, ours[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -1;
	(void)signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int loop_open(struct loop *loop)
{
	int r = 0;

	*loop = (struct loop){
		.epoll_fd = epoll_create1(EPOLL_CLOEXEC),
		/* an alarm of boot time fires once after a suspend, not once per missed second */
		.timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK),
		.signal_fd = open_signals(),
		.pressure_fd = -1,
	};
	if (loop->epoll_fd < 0 || loop->timer_fd < 0 || loop->signal_fd < 0)
		r = -errno;
	if (r == 0)
		r = watch(loop, loop->timer_fd, EPOLLIN, EVENT_TIMER);
	if (r == 0)
		r = watch(loop, loop->signal_fd, EPOLLIN, EVENT_SIGNAL);
	if (r < 0)
		loop_close(loop);
	return r;
}

void loop_close(struct loop *loop)
{
	close_fd(&loop->epoll_fd);
	close_fd(&loop->timer_fd);
	close_fd(&loop->signal_fd);
	close_fd(&loop->pressure_fd);
}

/* Without CAP_SYS_RESOURCE the kernel takes only windows that are a multiple of 2 s (and looks no
 * more often than every 2 s): then the same share of the next such window. */
static int open_pressure(const struct procfs *procfs, const struct loop_params *params)
{
	const uint64_t unit_ns = 2 * NS_PER_S;
	uint64_t window_ns = (params->psi_window_ns + unit_ns - 1) / unit_ns * unit_ns;
	int fd = psi_trigger_open(procfs, params->psi_stall_ns, params->psi_window_ns);

	if (fd == -EINVAL && window_ns != params->psi_window_ns)
		fd = psi_trigger_open(
			procfs, u64_share(window_ns, params->psi_stall_ns, params->psi_window_ns),
			window_ns);
	return fd;
}

int loop_configure(struct loop *loop, const struct procfs *procfs, const struct loop_params *params)
{
	const struct timespec interval = {
		.tv_sec = (time_t)(params->interval_ns / NS_PER_S),
		.tv_nsec = (long)(params->interval_ns % NS_PER_S),
	};
	const struct itimerspec timer = {.it_interval = interval, .it_value = interval};

	if (timerfd_settime(loop->timer_fd, 0, &timer, NULL) < 0)
		return -errno;
	close_fd(&loop->pressure_fd);
	if (params->psi_stall_ns == 0)
		return 0;
	loop->pressure_fd = open_pressure(procfs, params);
	if (loop->pressure_fd < 0)
		return loop->pressure_fd;
	return watch(loop, loop->pressure_fd, EPOLLPRI, EVENT_PRESSURE);
}

static void take_signals(const struct loop *loop, struct loop_events *ret)
{
	struct signalfd_siginfo info;

	while (read(loop->signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
		switch (info.ssi_signo) {
		case SIGUSR1: ret->dump = true; break;
		case SIGUSR2: ret->diet = true; break;
		case SIGHUP: ret->reload = true; break;
		case SIGQUIT: ret->leave = true; break;
		default: ret->stop = true; break;
		}
}

static void take_event(struct loop *loop, const struct epoll_event *event, struct loop_events *ret)
{
	uint64_t expirations;

	switch (event->data.u64) {
	case EVENT_TIMER:
		ret->tick = read(loop->timer_fd, &expirations, sizeof expirations) > 0;
		break;
	case EVENT_SIGNAL: take_signals(loop, ret); break;
	case EVENT_PRESSURE:
		ret->pressure = true;
		if (event->events & EPOLLERR) /* the trigger is gone */
			close_fd(&loop->pressure_fd);
		break;
	case LOOP_CHILD: ret->child = true; break;
	default: ret->ready[ret->n_ready++] = event->data.u64 - LOOP_JOBS_BASE; break;
	}
}

/* Milliseconds to the deadline, rounded up; -1 for none. */
static int timeout_ms(uint64_t deadline_ns)
{
	uint64_t left_ns = u64_sub_sat(deadline_ns, deadline_ns == 0 ? 0 : clock_now_ns());

	if (deadline_ns == UINT64_MAX)
		return -1;
	return (int)u64_min((left_ns + NS_PER_MS - 1) / NS_PER_MS, 60000);
}

int loop_wait(struct loop *loop, uint64_t deadline_ns, struct loop_events *ret)
{
	struct epoll_event events[8];
	int n;

	if (!log_flush())
		deadline_ns = u64_min(deadline_ns, clock_now_ns() + LOG_RETRY_NS);
	n = epoll_wait(loop->epoll_fd, events, 8, timeout_ms(deadline_ns));
	*ret = (struct loop_events){0};
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++)
		take_event(loop, &events[i], ret);
	return 0;
}
