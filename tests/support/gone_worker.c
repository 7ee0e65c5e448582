/* SPDX-License-Identifier: Apache-2.0 */

#include "tests/support/gone_worker.h"

#include <criterion/criterion.h>
#include <sys/wait.h>
#include <unistd.h>

void name_the_gone(char out[WORKER_NAME_SIZE])
{
	int ends[2];
	pid_t pid;

	cr_assert_eq(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		worker_name_make(out);
		_exit(write(ends[1], out, WORKER_NAME_SIZE) != WORKER_NAME_SIZE);
	}
	cr_assert_eq(read(ends[0], out, WORKER_NAME_SIZE), WORKER_NAME_SIZE);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
	close(ends[0]);
	close(ends[1]);
}
