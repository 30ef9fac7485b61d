/* SPDX-License-Identifier: MIT */
/* crowd N: N idle processes, small ones. Says "ready" when they are there; ends them, and itself,
 * with its standard input. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	long n = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
	pid_t parent = getpid();
	char byte;

	if (setpgid(0, 0) < 0)
		return 1;
	for (long i = 0; i < n; i++) {
		pid_t child = fork();

		if (child < 0) {
			perror("fork");
			(void)kill(0, SIGKILL);
		}
		if (child == 0) {
			(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (getppid() != parent)
				_exit(0);
			for (;;)
				(void)pause();
		}
	}
	(void)puts("ready");
	(void)fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	(void)signal(SIGTERM, SIG_IGN);
	(void)kill(0, SIGTERM);
	while (wait(NULL) > 0)
		;
	return 0;
}
