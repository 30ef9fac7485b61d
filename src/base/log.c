/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include "base/text.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct {
	const char *ident;
	unsigned sinks;
	enum log_level max_level;
	int syslog_fd;
	unsigned long lost;
} log_state = {.ident = "", .sinks = LOG_TO_STDERR, .max_level = LOG_LVL_NOTICE, .syslog_fd = -1};

/* RFC 3164: facility daemon (3) * 8 + severity */
static const int syslog_priority[] = {24 + 3, 24 + 4, 24 + 5, 24 + 6};
static const char *const stderr_prefix[] = {"error: ", "warning: ", "", ""};

void log_open(const char *ident, unsigned sinks, enum log_level max_level)
{
	log_state.ident = ident;
	log_state.sinks = sinks;
	log_state.max_level = max_level;
}

void log_set_level(enum log_level max_level)
{
	log_state.max_level = max_level;
}

bool log_wants(enum log_level level)
{
	return level <= log_state.max_level;
}

static int syslog_connect(void)
{
	static const struct sockaddr_un address = {AF_UNIX, "/dev/log"};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
		(void)close(fd);
		fd = -1;
	}
	return fd;
}

/* Lines that syslog had no room for, one after the other, each with its NUL */
static struct {
	char buf[32 * 1024];
	size_t len;
} waiting;

/* 0, or -EAGAIN where the log daemon takes no more just now. Where there is none, nobody misses
 * the line. A second try on a new connection: it may have been restarted. */
static int syslog_send(const char *line, size_t len)
{
	for (int i = 0; i < 2; i++) {
		if (log_state.syslog_fd < 0)
			log_state.syslog_fd = syslog_connect();
		if (log_state.syslog_fd < 0)
			return 0;
		if (send(log_state.syslog_fd, line, len, MSG_NOSIGNAL) >= 0)
			return 0;
		if (errno == EAGAIN)
			return -EAGAIN;
		(void)close(log_state.syslog_fd);
		log_state.syslog_fd = -1;
	}
	return 0;
}

bool log_flush(void)
{
	size_t sent = 0;

	while (sent < waiting.len) {
		size_t len = strlen(waiting.buf + sent);

		if (syslog_send(waiting.buf + sent, len) < 0)
			break;
		sent += len + 1;
	}
	waiting.len -= sent;
	memmove(waiting.buf, waiting.buf + sent, waiting.len);
	return waiting.len == 0;
}

void log_drain(int timeout_ms)
{
	while (!log_flush() && timeout_ms > 0) {
		/* a datagram socket polls writable also while its peer is full */
		(void)poll(NULL, 0, 5);
		timeout_ms -= 5;
	}
}

/* False where the line was lost. */
static bool syslog_queue(const char *line, size_t len)
{
	if (log_flush() && syslog_send(line, len) == 0)
		return true;
	if (sizeof waiting.buf - waiting.len < len + 1)
		return false;
	memcpy(waiting.buf + waiting.len, line, len + 1);
	waiting.len += len + 1;
	return true;
}

/* stderr is shared with whoever started us, so it isn't made non-blocking: a descriptor
 * that polls writable takes PIPE_BUF (4,096) bytes without blocking, see pipe(7). */
static bool stderr_send(const char *line, size_t len)
{
	struct pollfd poll_fd = {.fd = STDERR_FILENO, .events = POLLOUT};

	return poll(&poll_fd, 1, 0) == 1 && poll_fd.revents & POLLOUT &&
	       write(STDERR_FILENO, line, len) == (ssize_t)len;
}

static bool send_line(enum log_level level, const char *line)
{
	char buf[LOG_LINE_MAX + 80];
	struct text text = TEXT_OVER(buf);
	bool sent = true;

	if (log_state.sinks & LOG_TO_SYSLOG) {
		text_addf(&text, "<%d>%s[%d]: %.*s", syslog_priority[level], log_state.ident,
			  (int)getpid(), LOG_LINE_MAX, line);
		sent = syslog_queue(text.buf, text.len);
	}
	if (log_state.sinks & LOG_TO_STDERR) {
		text = TEXT_OVER(buf);
		text_addf(&text, "%s: %s%.*s\n", log_state.ident, stderr_prefix[level],
			  LOG_LINE_MAX, line);
		sent = stderr_send(text.buf, text.len) && sent;
	}
	return sent;
}

static void say(enum log_level level, const char *line)
{
	int saved_errno = errno;

	if (log_state.lost > 0) {
		char note[64];
		struct text text = TEXT_OVER(note);

		text_addf(&text, "log was full: lines lost=%lu", log_state.lost);
		if (send_line(LOG_LVL_WARNING, note))
			log_state.lost = 0;
	}
	if (!send_line(level, line))
		log_state.lost++;
	errno = saved_errno;
}

void log_line(enum log_level level, const char *format, ...)
{
	char line[LOG_LINE_MAX + 1];
	va_list args;

	if (!log_wants(level))
		return;
	va_start(args, format);
	(void)vsnprintf(line, sizeof line, format, args);
	va_end(args);
	say(level, line);
}

void log_dump_line(const char *line)
{
	unsigned sinks = log_state.sinks;

	log_state.sinks |= LOG_TO_SYSLOG;
	say(LOG_LVL_INFO, line);
	log_state.sinks = sinks;
}
