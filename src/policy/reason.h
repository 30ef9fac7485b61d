/* SPDX-License-Identifier: MIT */
/* Why a process is not a victim. The words stand in the dump, in --once and in the manual. */
#pragma once

/* code, word, sentence; the order is that in which the rules are tried */
#define REASON_TABLE(X)                                                                            \
	X(REASON_VICTIM, "victim", "may be moved out")                                             \
	X(REASON_SELF, "self", "this daemon or one of its ancestors")                              \
	X(REASON_INIT, "init", "process 1")                                                        \
	X(REASON_KERNEL, "kernel", "a kernel thread")                                              \
	X(REASON_ZOMBIE, "zombie", "has ended")                                                    \
	X(REASON_UNINTERRUPTIBLE, "uninterruptible", "waits inside the kernel (state D)")          \
	X(REASON_FROZEN, "frozen", "swapped to its own image, and held there")                     \
	X(REASON_STOPPED, "stopped", "stopped by someone else")                                    \
	X(REASON_TRACED, "traced", "a debugger holds it")                                          \
	X(REASON_REALTIME, "realtime", "has a real-time scheduling class")                         \
	X(REASON_PROTECTED, "protected", "a protect rule names it")                                \
	X(REASON_UNREADABLE, "unreadable", "its facts may not be read")                            \
	X(REASON_OOM_PROTECTED, "oom-protected",                                                   \
	  "its oom_score_adj is at or under the protect level")                                    \
	X(REASON_SMALL, "small", "holds less than min_rss of anonymous memory")                    \
	X(REASON_NO_BACKEND, "no-backend", "no enabled backend takes it")                          \
	X(REASON_FOREGROUND, "foreground", "in the foreground of a terminal, and would be frozen") \
	X(REASON_SESSION_LEADER, "session-leader", "leads a session, and would be frozen")         \
	X(REASON_WATCHDOG, "watchdog", "a watchdog expects it to answer, and it would be frozen")  \
	X(REASON_ASYNC_IO, "async-io", "the kernel may write to its memory at any time")           \
	X(REASON_ACTIVE, "active", "used the CPU in the last interval")                            \
	X(REASON_YOUNG, "young", "idle for less than min_idle")                                    \
	X(REASON_BACKOFF, "backoff",                                                               \
	  "idle for less than its own minimum, raised by wrong choices")                           \
	X(REASON_RESTORED, "restored", "brought back less than min_resident ago")                  \
	X(REASON_SPENT, "spent",                                                                   \
	  "has nothing more to give, or was tried less than a cooldown ago")                       \
	X(REASON_NO_ROOM, "no-room", "there is no room to move it to")                             \
	X(REASON_NOT_NEEDED, "not-needed", "enough was found before its turn came")                \
	X(REASON_HELD_UP, "held-up", "its user has held the daemon up, and isn't looked at")       \
	X(REASON_SHARE, "share", "the table fills, and its user has a quarter of it")              \
	X(REASON_LIMIT, "limit", "a table was full")

enum reason {
#define X(code, word, sentence) code,
	REASON_TABLE(X)
#undef X
		REASON__N
};

/* "young" and "idle for less than min_idle"; any other value is a bug of the caller. */
const char *reason_word(enum reason reason);
const char *reason_sentence(enum reason reason);
