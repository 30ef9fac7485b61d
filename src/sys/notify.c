/* SPDX-License-Identifier: MIT */
#include "sys/notify.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "base/units.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int notify_send(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = -1;
	size_t len;

	if (!path || (path[0] != '/' && path[0] != '@'))
		return 0;
	len = strlen(path);
	if (len >= sizeof address.sun_path)
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, len);
	if (path[0] == '@') /* the abstract name space, unix(7) */
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&address,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		return -errno;
	return 0;
}

uint64_t notify_watchdog_ns(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *whom = getenv("WATCHDOG_PID");
	uint64_t period_us, pid;

	if (!usec || num_u64(usec, &period_us) < 0 || period_us > UINT64_MAX / NS_PER_US)
		return 0;
	if (whom && (num_u64(whom, &pid) < 0 || pid != (uint64_t)getpid()))
		return 0;
	return period_us * NS_PER_US;
}
