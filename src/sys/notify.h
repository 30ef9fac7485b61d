/* SPDX-License-Identifier: MIT */
/* Tells a service manager how we are, sd_notify(3): one datagram to $NOTIFY_SOCKET. libsystemd
 * would do it too, at the price of eight libraries in a locked daemon. */
#pragma once
#include <stdint.h>

/* Sends state ("READY=1\nSTATUS=..."). 0, also where nobody listens for it; -errno. */
int notify_send(const char *state);

/* How often it wants to hear WATCHDOG=1, sd_watchdog_enabled(3); 0: not at all. */
uint64_t notify_watchdog_ns(void);
