/* SPDX-License-Identifier: MIT */
/* The daemon as a service: one loop over its ticks, its signals and its jobs' answers, and what the
 * service manager is told. */
#pragma once
#include "base/log.h"
#include "daemon/args.h"
#include "daemon/daemon.h"
#include "daemon/loop.h"

struct service {
	struct args args;
	struct loop loop;
	struct daemon daemon;
	bool dump_wanted, stopping;
	bool leaving; /* stopping, and another daemon takes over */
	uint64_t dumped_ns, fed_ns;
	char status[160]; /* as last told to the service manager */
};

/* The configuration that the arguments name, to be freed by config_free(). 0 or -errno, logged. */
int service_load_config(const struct args *args, struct config *ret);

/* How much is logged: what the arguments say, else what the configuration does. */
enum log_level service_log_level(const struct args *args, const struct config *config);

/* Gives the loop its interval and its pressure trigger; says where there is no such trigger. */
void service_configure_loop(struct service *service);

/* Runs until a signal asks for the end, and brings back what has to be. Loop and daemon are open.
 * 0 or -errno, logged. */
int service_run(struct service *service);
