/* SPDX-License-Identifier: Apache-2.0 */

/* Claiming a port on a file system without locks. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "app/port.h"

/* Makes this fcntl() fail in this process, as on a file system without locks. */
static void refuse_fcntl(int command)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fcntl, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)command, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOLCK),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { .len = sizeof(filter) / sizeof(filter[0]),
					    .filter = filter };

	cr_assert_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	cr_assert_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

static void expect_refused(int command)
{
	char folder[256];
	char host[] = "127.0.0.1";
	struct config config = { .listen_host = host, .data_dir = folder };
	struct reason why = { .text = "" };
	struct port port;

	snprintf(folder, sizeof(folder), "%s/port-XXXXXX", getenv("TEST_DIR"));
	cr_assert_not_null(mkdtemp(folder));
	cr_assert_eq(port_claim(&port, &config, &why), 0, "%s", why.text);
	port_release(&port);

	refuse_fcntl(command);
	cr_expect_eq(port_claim(&port, &config, &why), -ENOLCK);
	cr_expect_str_eq(why.field, "WRENN_EVENTS_DATA_DIR");
	cr_expect_eq(strncmp(why.text, "cannot lock the port's file in ", 31), 0, "%s", why.text);
}

Test(port, is_not_taken_for_free_when_nobody_can_tell)
{
	expect_refused(F_OFD_GETLK);
}
