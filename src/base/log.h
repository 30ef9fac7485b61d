/* SPDX-License-Identifier: MIT */
/*
 * The one place that speaks. Lines go to stderr, to syslog (LOG_DAEMON), or both.
 * Nothing here allocates or blocks: what syslog can't take at once waits in a
 * buffer of ours (its socket holds as few as ten lines, net.unix.max_dgram_qlen),
 * what finds no room there, or a full stderr, is dropped and counted, and the count
 * is told with the next line that gets through.
 * (syslog(3) of glibc 2.36 does both, so the datagram is sent by hand.)
 */
#pragma once
#include <stdbool.h>

enum log_level { LOG_LVL_ERR, LOG_LVL_WARNING, LOG_LVL_NOTICE, LOG_LVL_INFO };
enum log_sink { LOG_TO_STDERR = 1, LOG_TO_SYSLOG = 2 };

#define LOG_LINE_MAX \
	1000 /* longer lines are cut; journald and rsyslog take 8 KiB, RFC 3164 1 KiB */

/* Lines up to max_level go to sinks (a mask of enum log_sink) under ident, which must live on. */
void log_open(const char *ident, unsigned sinks, enum log_level max_level);
void log_set_level(enum log_level max_level);
bool log_wants(enum log_level level);

/* One line, one event: a sentence, then key=value pairs. No newline at the end. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* As log_line, whatever the level set, to syslog as INFO and to stderr where that is a sink. */
void log_dump_line(const char *line);

/* Sends what waits. True where nothing is left; otherwise come back soon. */
bool log_flush(void);

/* At the end: sends what waits, for which it waits itself, at most timeout_ms. */
void log_drain(int timeout_ms);

#define log_err(...) log_line(LOG_LVL_ERR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LVL_WARNING, __VA_ARGS__)
#define log_notice(...) log_line(LOG_LVL_NOTICE, __VA_ARGS__)
#define log_info(...) log_line(LOG_LVL_INFO, __VA_ARGS__)
