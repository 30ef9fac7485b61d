/* SPDX-License-Identifier: MIT */
#include "cli/swap_talk.h"

#include "base/cleanup.h"
#include "base/units.h"
#include "proto/names.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#define QUEUE_NS (20 * NS_PER_MS)  /* between attempts while others are served */
#define ABSENT_NS (10 * NS_PER_MS) /* between attempts while nobody is there yet */
#define SILENCE_NS NS_PER_S	   /* after the last byte, an older shim may keep the connection */

void talk_start(struct talk *talk, int dir_fd, uid_t owner, pid_t pid, enum wire_request request,
		uint64_t deadline_ns, uint64_t patient_ns)
{
	talk_end(talk);
	*talk = (struct talk){
		.state = TALK_CONNECTING,
		.dir_fd = dir_fd,
		.owner = owner,
		.request = (uint8_t)request,
		.fd = -1,
		.deadline_ns = deadline_ns,
		.patient_ns = patient_ns,
	};
	(void)snprintf(talk->socket, sizeof talk->socket, "%d" NAMES_SOCKET_SUFFIX, (int)pid);
}

void talk_end(struct talk *talk)
{
	if (talk->state == TALK_READING)
		close_fd(&talk->fd);
	talk->state = TALK_IDLE;
}

static void over(struct talk *talk, int error)
{
	if (talk->state == TALK_READING)
		close_fd(&talk->fd);
	talk->state = TALK_OVER;
	talk->error = error;
}

/* Nothing more comes, or nothing that we would wait for. */
static void finish(struct talk *talk, int if_empty)
{
	over(talk, talk->len == 0 ? if_empty : wiretext_parse(talk->buf, talk->len, &talk->answer));
}

/* Whether that changes by itself within the time that we have */
static bool try_later(struct talk *talk, int error, uint64_t now_ns)
{
	if (error == -EAGAIN || error == -EMFILE || error == -ENFILE)
		talk->due_ns = now_ns + QUEUE_NS;
	else if ((error == -ECONNREFUSED || error == -ENOENT) && now_ns < talk->patient_ns)
		talk->due_ns = now_ns + ABSENT_NS;
	else
		return false;
	talk->due_ns = u64_min(talk->due_ns, talk->deadline_ns);
	return true;
}

static void try_connect(struct talk *talk, uint64_t now_ns)
{
	struct unixsock_peer peer;
	int fd = unixsock_connect(talk->dir_fd, talk->socket, talk->owner, &peer);

	if (fd < 0) {
		if (!try_later(talk, fd, now_ns))
			over(talk, fd);
		else if (now_ns >= talk->deadline_ns)
			over(talk, -ETIMEDOUT);
		return;
	}
	talk->fd = fd;
	talk->state = TALK_READING;
	talk->due_ns = talk->deadline_ns;
	if (send(fd, &talk->request, 1, MSG_NOSIGNAL | MSG_DONTWAIT) != 1)
		over(talk, errno == EPIPE ? -ECONNRESET : -errno);
}

/* True while there may be more. */
static bool take_bytes(struct talk *talk, uint64_t now_ns)
{
	ssize_t n =
		recv(talk->fd, talk->buf + talk->len, sizeof talk->buf - talk->len, MSG_DONTWAIT);

	if (n < 0 && errno == EINTR)
		return true;
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n <= 0) {
		finish(talk, n < 0 ? -errno : -ECONNRESET);
		return false;
	}
	talk->len += (size_t)n;
	talk->due_ns = u64_min(talk->deadline_ns, now_ns + SILENCE_NS);
	if (talk->len > WIRETEXT_MAX || !wiretext_may_begin((unsigned char)talk->buf[0])) {
		over(talk, talk->len > WIRETEXT_MAX ? -EMSGSIZE : -EBADMSG);
		return false;
	}
	return true;
}

void talk_step(struct talk *talk, uint64_t now_ns)
{
	if (talk->state == TALK_CONNECTING && now_ns >= talk->due_ns)
		try_connect(talk, now_ns);
	if (talk->state == TALK_READING)
		while (take_bytes(talk, now_ns))
			;
	if (talk->state == TALK_READING && now_ns >= talk->due_ns)
		finish(talk, -ETIMEDOUT);
}
