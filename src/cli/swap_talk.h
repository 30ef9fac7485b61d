/* SPDX-License-Identifier: MIT */
/* One request to one attached program, and its answer. Never blocks. */
#pragma once
#include "backend/wiretext.h"
#include "sys/unixsock.h"

struct talk {
	enum { TALK_IDLE, TALK_CONNECTING, TALK_READING, TALK_OVER } state;
	int dir_fd;
	uid_t owner;
	char socket[24];
	uint8_t request; /* enum wire_request */
	int fd;		 /* to wait for where it is TALK_READING */
	uint64_t due_ns; /* when to go on though nothing has come */
	uint64_t deadline_ns, patient_ns;
	size_t len;
	char buf[WIRETEXT_MAX + 1];
	/* when it is over: 0 and the answer, or -errno: -ETIMEDOUT; -ECONNRESET closed without one;
	 * -EBADMSG, -EMSGSIZE no answer of a shim; -ECONNREFUSED, -ENOENT nobody there; others of
	 * unixsock_connect */
	int error;
	struct wiretext answer;
};

/*
 * Starts to talk to the program pid, whose socket lies in the directory, with time until
 * deadline_ns. Up to patient_ns it waits for somebody to be there. talk_end when done.
 */
void talk_start(struct talk *talk, int dir_fd, uid_t owner, pid_t pid, enum wire_request request,
		uint64_t deadline_ns, uint64_t patient_ns);
void talk_end(struct talk *talk);

/* Goes on, as far as that is possible now. */
void talk_step(struct talk *talk, uint64_t now_ns);
