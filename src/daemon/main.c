/* SPDX-License-Identifier: MIT */
#include "base/cleanup.h"
#include "base/log.h"
#include "base/units.h"
#include "daemon/args.h"
#include "daemon/background.h"
#include "daemon/daemon.h"
#include "daemon/erase.h"
#include "daemon/frozen.h"
#include "daemon/inspect.h"
#include "daemon/loop.h"
#include "daemon/once.h"
#include "daemon/status.h"
#include "sys/clock.h"
#include "sys/lockfile.h"
#include "sys/notify.h"
#include "sys/privs.h"
#include "sys/stdfiles.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define EXIT_USAGE 2
#define IDENT "swapify-policy"
#define LOG_RETRY_NS (10 * NS_PER_MS) /* while syslog is full */
#define THAW_NS (60 * NS_PER_S)	      /* systemd gives 90 s to end in */
#define DUMP_EVERY_NS NS_PER_S	      /* dumps asked for more often become one */

struct service {
	struct args args;
	struct loop loop;
	struct daemon daemon;
	bool dump_wanted, stopping;
	uint64_t dumped_ns;
	char status[160]; /* as last told to the service manager */
};

static int load_config(const struct args *args, struct config *ret)
{
	struct config_error error;
	int r = config_load(args->config ? args->config : CONFIG_PATH, args->config != NULL,
			    args->overrides, args->n_overrides, ret, &error);

	if (r == -EINVAL)
		log_err("%s", error.message);
	else if (r < 0)
		log_err("cannot read the configuration: %s", strerror(-r));
	return r;
}

static enum log_level wanted_level(const struct args *args, const struct config *config)
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

/* Our stderr is the journal's own socket: systemd.exec(5), JOURNAL_STREAM. The variable alone says
 * little, since everything that is started inside of a unit inherits it. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char ours[64];
	struct text text = TEXT_OVER(ours);
	struct stat stat;

	if (!stream || fstat(STDERR_FILENO, &stat) < 0)
		return false;
	text_addf(&text, "%llu:%llu", (unsigned long long)stat.st_dev,
		  (unsigned long long)stat.st_ino);
	return strcmp(stream, ours) == 0;
}

/* -- what the loop does ------------------------------------------------------------------------ */

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

static void configure_loop(struct service *service)
{
	int r = loop_configure(&service->loop, &service->daemon.sampler.procfs,
			       &service->daemon.config.params.daemon);

	if (r < 0)
		log_notice("memory pressure can't wake the daemon: %s; looking every interval=%s",
			   strerror(-r),
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
	if (load_config(&service->args, &config) == 0) {
		daemon_reconfigure(&service->daemon, &config);
		log_set_level(wanted_level(&service->args, &service->daemon.config));
		configure_loop(service);
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
	service->stopping |= events->stop;
	/* who waits for the child's work waits no longer */
	if (events->tick || events->pressure || events->diet || events->child)
		daemon_tick(daemon, now_ns);
	dump_where_due(service, now_ns);
	if (events->tick)
		tell_status(service);
}

static uint64_t deadline_ns(const struct executor *executor)
{
	uint64_t first_ns = executor_deadline_ns(executor);

	return log_flush() ? first_ns : u64_min(first_ns, clock_now_ns() + LOG_RETRY_NS);
}

static void run_jobs(struct service *service, uint64_t end_ns)
{
	struct daemon *daemon = &service->daemon;
	bool more = true;

	while (executor_busy(&daemon->executor) && clock_now_ns() < end_ns) {
		struct loop_events events;

		if (loop_wait(&service->loop,
			      more ? 0 : u64_min(deadline_ns(&daemon->executor), end_ns),
			      &events) < 0)
			break;
		for (size_t i = 0; i < events.n_ready; i++)
			executor_ready(&daemon->executor, events.ready[i]);
		more = executor_run(&daemon->executor, clock_now_ns());
	}
}

/* What was frozen can't be brought back by anybody who doesn't know of swap(1). */
static void thaw(struct service *service)
{
	struct daemon *daemon = &service->daemon;
	uint64_t end_ns = clock_now_ns() + THAW_NS;

	if (daemon->config.params.daemon.on_exit != ON_EXIT_UNSWAP)
		return;
	/* what is being frozen goes through with it, and can be thawed only then */
	executor_abort_verb(&daemon->executor, ACTION_RECLAIM, clock_now_ns());
	executor_abort_verb(&daemon->executor, ACTION_RESTORE, clock_now_ns());
	run_jobs(service, end_ns);
	if (sampler_read_memory(&daemon->sampler, clock_now_ns()) < 0)
		return;
	frozen_plan_exit(daemon, &daemon->plan);
	executor_submit(&daemon->executor, &daemon->plan);
	run_jobs(service, end_ns);
}

static int run_loop(struct service *service)
{
	struct executor *executor = &service->daemon.executor;
	bool more = false;
	int r = 0;

	while (r == 0 && !service->stopping) {
		struct loop_events events;

		r = loop_wait(&service->loop, more ? 0 : deadline_ns(executor), &events);
		if (r == 0) {
			handle(service, &events, clock_now_ns());
			more = executor_run(executor, clock_now_ns());
		}
	}
	(void)notify_send("STOPPING=1");
	if (r == 0)
		thaw(service);
	executor_abort(executor, clock_now_ns());
	if (r < 0)
		log_err("waiting failed: %s", strerror(-r));
	return r;
}

/* -- start-up ---------------------------------------------------------------------------------- */

static int check_privileges(const struct args *args)
{
	const struct privs_cap *missing = args->dry_run ? NULL : privs_missing();

	if (!missing)
		return 0;
	log_err("%s is missing: it takes it %s; run as root, or with -n to see what would be done",
		missing->name, missing->reason);
	return -EPERM;
}

static int take_lock(const struct config *config)
{
	const char *path = config->params.daemon.lockfile;
	int fd = lockfile_take(path);

	if (fd == -EWOULDBLOCK)
		log_err("another swapify-policy runs: it holds %s; stop it first "
			"(systemctl stop swapify-policy)",
			path);
	else if (fd < 0)
		log_err("cannot take the lock %s: %s", path, strerror(-fd));
	return fd;
}

static void protect_ourselves(const struct procfs *procfs)
{
	int r = privs_lock_memory();

	if (r < 0)
		log_notice("own memory can't be locked: %s", strerror(-r));
	r = privs_lower_oom_score(procfs);
	if (r < 0)
		log_info("oom_score_adj stays: %s", strerror(-r));
}

static void say_started(const struct service *service)
{
	const struct config *config = &service->daemon.config;
	const struct executor *executor = &service->daemon.executor;
	char backends[64];
	struct text text = TEXT_OVER(backends);

	for (size_t i = 0; i < executor->n_backends; i++)
		text_addf(&text, "%s%s", i > 0 ? "," : "", executor->backends[i].ops->name);
	log_notice("started version=" VERSION " file=%s limits=%u%%<%u%%<%u%% backend=%s%s",
		   config->path[0] ? config->path : "none",
		   config->params.memory.lower_freelimit_percent,
		   config->params.memory.freetarget_percent,
		   config->params.memory.upper_freelimit_percent, text.len > 0 ? backends : "none",
		   service->args.dry_run ? " dry_run=yes" : "");
	if (executor->n_backends == 0)
		log_warning("no backend is enabled, nothing will be moved: set enabled = yes in "
			    "[swapify] or [madvise]");
}

/* The daemon proper, from taking the lock to letting it go. Takes config over. */
static int serve(struct service *service, struct config *config, int *ready_fd)
{
	_cleanup_close_ int lock_fd = -1;
	const char *pidfile = service->args.pidfile;
	int r;

	if (!service->args.dry_run)
		lock_fd = take_lock(config);
	r = lock_fd < 0 && !service->args.dry_run ? lock_fd : 0;
	if (r == 0)
		r = loop_open(&service->loop);
	if (r < 0) {
		config_free(config);
		return r;
	}
	r = daemon_open(&service->daemon, "/proc", config, service->args.dry_run,
			service->loop.epoll_fd, LOOP_JOBS_BASE, clock_now_ns());
	if (r == 0 && pidfile) {
		r = lockfile_write_pid(pidfile, getpid());
		if (r < 0)
			log_err("cannot write the pid file %s: %s", pidfile, strerror(-r));
	}
	if (r == 0) {
		protect_ourselves(&service->daemon.sampler.procfs);
		configure_loop(service);
		say_started(service);
		if (service->args.background)
			log_open(IDENT, LOG_TO_SYSLOG,
				 wanted_level(&service->args, &service->daemon.config));
		background_ready(ready_fd, 0);
		(void)notify_send("READY=1");
		daemon_tick(&service->daemon, clock_now_ns());
		r = run_loop(service);
		log_notice("stopped");
		log_drain(200);
		if (pidfile)
			(void)unlink(pidfile);
	}
	daemon_close(&service->daemon);
	loop_close(&service->loop);
	return r;
}

static int run_daemon(struct service *service, struct config *config)
{
	const struct args *args = &service->args;
	bool to_syslog = args->background || stderr_is_journal();
	enum log_level level = wanted_level(args, config);
	int ready_fd = -1, r;

	/* to both until it stands: whoever started it sees why it doesn't */
	log_open(IDENT,
		 args->background ? LOG_TO_STDERR | LOG_TO_SYSLOG
		 : to_syslog	  ? LOG_TO_SYSLOG
				  : LOG_TO_STDERR,
		 level);
	r = check_privileges(args);
	if (r == 0 && args->background) {
		r = background_start(&ready_fd);
		if (r < 0)
			log_err("cannot go to the background: %s", strerror(-r));
	}
	if (r < 0) {
		config_free(config);
		return EXIT_FAILURE;
	}
	r = serve(service, config, &ready_fd);
	background_ready(&ready_fd, EXIT_FAILURE);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int run_once(struct service *service, struct config *config)
{
	/* judged by the null backend: who would go is asked, whether or not one is enabled */
	int r = daemon_open(&service->daemon, "/proc", config, true, -1, 0, clock_now_ns());

	if (r == 0)
		r = once_run(&service->daemon, service->args.verbose, stdout);
	daemon_close(&service->daemon);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* A daemon that runs would make what is retired here anew. */
static int run_erase(const struct config *config)
{
	_cleanup_close_ int lock_fd = take_lock(config);

	return lock_fd >= 0 && erase_run(&config->params.swapspace) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int run(struct service *service)
{
	struct config config;
	int status;

	if (load_config(&service->args, &config) < 0)
		return EXIT_USAGE;
	switch (service->args.mode) {
	case MODE_ONCE: return run_once(service, &config);
	case MODE_INSPECT:
		status = inspect_run(&config, stdout) ? EXIT_SUCCESS : EXIT_FAILURE;
		break;
	case MODE_ERASE: status = run_erase(&config); break;
	case MODE_PRINT_CONFIG:
		status = config_print(&config, stdout) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
		break;
	default: return run_daemon(service, &config);
	}
	config_free(&config);
	return status;
}

int main(int argc, char **argv)
{
	static struct service service; /* large, and there is one */

	if (stdfiles_open() < 0)
		return EXIT_FAILURE;
	log_open(IDENT, LOG_TO_STDERR, LOG_LVL_NOTICE);
	if (args_parse(argc, argv, &service.args) < 0)
		return EXIT_USAGE;
	switch (service.args.mode) {
	case MODE_HELP: args_help(stdout); return EXIT_SUCCESS;
	case MODE_VERSION: (void)puts(IDENT " " VERSION); return EXIT_SUCCESS;
	default: return run(&service);
	}
}
