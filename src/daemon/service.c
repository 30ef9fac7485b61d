/* SPDX-License-Identifier: MIT */
#include "daemon/service.h"

#include "base/log.h"
#include "base/units.h"
#include "daemon/status.h"
#include "daemon/thaw.h"
#include "sys/clock.h"
#include "sys/notify.h"

#include <errno.h>
#include <string.h>

#define DUMP_EVERY_NS NS_PER_S /* dumps asked for more often become one */

int service_load_config(const struct args *args, struct config *ret)
{
	struct config_error error;
	int r = config_load(args->config ? args->config : CONFIG_PATH, args->config != NULL,
			    args->overrides, args->n_overrides, ret, &error);

	if (r == -EINVAL)
		log_err("%s", error.message);
	else if (r < 0)
		log_err("cannot read the configuration: %s", text_error(-r));
	return r;
}

enum log_level service_log_level(const struct args *args, const struct config *config)
{
	static const enum log_level levels[] = {
		[LOG_QUIET] = LOG_LVL_WARNING,
		[LOG_NORMAL] = LOG_LVL_NOTICE,
		[LOG_VERBOSE] = LOG_LVL_INFO,
	};

	if (args->verbose || args->quiet)
		return args->verbose ? LOG_LVL_INFO : LOG_LVL_WARNING;
	return levels[config->params.daemon.log_level];
}

static void emit_dump_line(void *ctx, const char *line)
{
	(void)ctx;
	log_dump_line(line);
}

static void dump_where_due(struct service *service, uint64_t now_ns)
{
	if (!service->dump_wanted ||
	    (service->dumped_ns != 0 && now_ns - service->dumped_ns < DUMP_EVERY_NS))
		return;
	service->dump_wanted = false;
	service->dumped_ns = now_ns;
	/* what an action has just moved is in neither figure of the last tick */
	(void)sampler_read_memory(&service->daemon.sampler, now_ns);
	daemon_survey(&service->daemon, now_ns);
	status_dump(&service->daemon, now_ns, emit_dump_line, NULL);
}

static void tell_status(struct service *service)
{
	char line[sizeof service->status], state[sizeof line + 16];
	struct text text = TEXT_OVER(line), message = TEXT_OVER(state);

	status_line(&service->daemon, &text);
	if (strcmp(line, service->status) == 0)
		return;
	memcpy(service->status, line, sizeof line);
	text_addf(&message, "STATUS=%s", line);
	(void)notify_send(state);
}

void service_configure_loop(struct service *service)
{
	int r = loop_configure(&service->loop, &service->daemon.sampler.procfs,
			       &service->daemon.config.params.daemon);

	if (r < 0)
		log_notice("memory pressure can't wake the daemon: %s; looking every interval=%s",
			   text_error(-r),
			   FMT_DURATION(service->daemon.config.params.daemon.interval_ns));
}

static void reload(struct service *service)
{
	struct config config;
	char state[64];
	struct text text = TEXT_OVER(state);

	text_addf(&text, "RELOADING=1\nMONOTONIC_USEC=%llu",
		  (unsigned long long)(clock_monotonic_ns() / NS_PER_US));
	(void)notify_send(state);
	if (service_load_config(&service->args, &config) == 0) {
		daemon_reconfigure(&service->daemon, &config);
		log_set_level(service_log_level(&service->args, &service->daemon.config));
		service_configure_loop(service);
		log_notice("configuration read again file=%s", service->daemon.config.path);
	} else {
		log_warning("the old settings stay");
	}
	(void)notify_send("READY=1");
}

static void handle(struct service *service, const struct loop_events *events, uint64_t now_ns)
{
	struct daemon *daemon = &service->daemon;

	for (size_t i = 0; i < events->n_ready; i++)
		executor_ready(&daemon->executor, events->ready[i]);
	if (events->reload)
		reload(service);
	if (events->diet)
		daemon->diet_requested = daemon->swapspace.diet_requested = true;
	service->dump_wanted |= events->dump;
	service->leaving |= events->leave;
	service->stopping |= events->stop || events->leave;
	/* who waits for the child's work waits no longer */
	if (events->tick || events->pressure || events->diet || events->child)
		daemon_tick(daemon, now_ns);
	dump_where_due(service, now_ns);
	if (events->tick)
		tell_status(service);
}

/* When it is due again. It says no more than that ticks don't hang. */
static uint64_t feed_watchdog(struct service *service)
{
	uint64_t every_ns = notify_watchdog_ns() / 3, now_ns = clock_now_ns();

	if (every_ns == 0)
		return UINT64_MAX;
	if (now_ns - service->fed_ns >= every_ns) {
		(void)notify_send("WATCHDOG=1");
		service->fed_ns = now_ns;
	}
	return service->fed_ns + every_ns;
}

int service_run(struct service *service)
{
	struct executor *executor = &service->daemon.executor;
	bool more = false;
	int r = 0;

	while (r == 0 && !service->stopping) {
		uint64_t feed_ns = feed_watchdog(service);
		struct loop_events events;

		r = loop_wait(&service->loop,
			      more ? 0 : u64_min(executor_deadline_ns(executor), feed_ns), &events);
		if (r == 0) {
			handle(service, &events, clock_now_ns());
			more = executor_run(executor, clock_now_ns());
			handover_save(&service->daemon);
		}
	}
	(void)notify_send("STOPPING=1");
	if (r == 0 && !service->leaving &&
	    service->daemon.config.params.daemon.on_exit == ON_EXIT_UNSWAP)
		thaw_all(&service->daemon, &service->loop);
	executor_abort(executor, clock_now_ns());
	handover_save(&service->daemon);
	if (r < 0)
		log_err("waiting failed: %s", text_error(-r));
	return r;
}
