/* SPDX-License-Identifier: MIT */
#include "base/cleanup.h"
#include "daemon/args.h"
#include "daemon/background.h"
#include "daemon/erase.h"
#include "daemon/frozen.h"
#include "daemon/inspect.h"
#include "daemon/once.h"
#include "daemon/prelock_print.h"
#include "daemon/service.h"
#include "daemon/thaw.h"
#include "sys/clock.h"
#include "sys/lockfile.h"
#include "sys/notify.h"
#include "sys/privs.h"
#include "sys/stdfiles.h"
#include "sys/syscallfilter.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#define EXIT_USAGE 2
#define IDENT "swapify-policy"

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
		log_err("cannot take the lock %s: %s", path, text_error(-fd));
	return fd;
}

static void protect_ourselves(const struct procfs *procfs)
{
	int r = privs_lock_memory();

	if (r < 0)
		log_notice("own memory can't be locked: %s", text_error(-r));
	r = privs_lower_oom_score(procfs);
	if (r < 0)
		log_info("oom_score_adj stays: %s", text_error(-r));
}

/* Where it can't be had, the daemon is of more use without than not at all. */
static void filter_calls(const struct loop_params *params)
{
	int r = params->seccomp == FILTER_OFF
			? 0
			: syscallfilter_install(params->seccomp == FILTER_KILL ? SYSCALLFILTER_KILL
									       : SYSCALLFILTER_LOG);

	if (r < 0)
		log_warning(
			"system calls can't be filtered: %s; set [daemon] seccomp = off if that "
			"is as it has to be",
			text_error(-r));
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
			log_err("cannot write the pid file %s: %s", pidfile, text_error(-r));
	}
	if (r == 0) {
		if (lock_fd >= 0)
			handover_open(&service->daemon);
		filter_calls(&service->daemon.config.params.daemon);
		protect_ourselves(&service->daemon.sampler.procfs);
		service_configure_loop(service);
		say_started(service);
		if (service->args.background)
			log_open(IDENT, LOG_TO_SYSLOG,
				 service_log_level(&service->args, &service->daemon.config));
		background_ready(ready_fd, 0);
		(void)notify_send("READY=1");
		daemon_tick(&service->daemon, clock_now_ns());
		r = service_run(service);
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
	enum log_level level = service_log_level(args, config);
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
			log_err("cannot go to the background: %s", text_error(-r));
	}
	if (r == 0) {
		r = privs_drop(); /* before there are threads: each has its own */
		if (r < 0)
			log_err("cannot give up capabilities that aren't needed: %s",
				text_error(-r));
	}
	if (r < 0) {
		config_free(config);
		return EXIT_FAILURE;
	}
	r = serve(service, config, &ready_fd);
	background_ready(&ready_fd, EXIT_FAILURE);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* What a daemon that is gone, or is to be, has frozen: before the package is removed. */
static int run_thaw(struct service *service, struct config *config)
{
	_cleanup_close_ int lock_fd = -1;
	struct daemon *daemon = &service->daemon;
	int r = check_privileges(&service->args);

	config->params.swapify.enabled = true;
	if (r == 0) {
		lock_fd = take_lock(config);
		r = lock_fd < 0 ? lock_fd : loop_open(&service->loop);
	}
	if (r < 0) {
		config_free(config);
		return EXIT_FAILURE;
	}
	r = daemon_open(daemon, "/proc", config, false, service->loop.epoll_fd, LOOP_JOBS_BASE,
			clock_now_ns());
	if (r == 0) {
		handover_open(daemon);
		thaw_all(daemon, &service->loop);
		executor_abort(&daemon->executor, clock_now_ns());
		handover_save(daemon);
		r = frozen_left(daemon) ? -EBUSY : 0;
	}
	daemon_close(daemon);
	loop_close(&service->loop);
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

	if (service_load_config(&service->args, &config) < 0)
		return EXIT_USAGE;
	switch (service->args.mode) {
	case MODE_ONCE: return run_once(service, &config);
	case MODE_THAW: return run_thaw(service, &config);
	case MODE_PRELOCK_ONCE:
		status = prelock_print_once(&config.params, service->args.verbose, stdout) < 0
				 ? EXIT_FAILURE
				 : EXIT_SUCCESS;
		break;
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

	/* ignoring it outlives exec(2), and would keep the ends of our own children from us */
	(void)signal(SIGCHLD, SIG_DFL);
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
