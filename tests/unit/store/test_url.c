/* SPDX-License-Identifier: Apache-2.0 */

/* Database URLs: only their form; and no fault repeats one. */
#include "fixture.h"

Test(url, takes_a_file_or_a_server)
{
	static const char *const good[] = {
		"sqlite:events.db",
		"sqlite:/var/lib/wrenn events/a%20b.db",
		"sqlite:./x",
		"postgres://localhost",
		"postgres://wrenn:wrenn@localhost:5432/wrenn?sslmode=disable",
		"postgresql://a,b,c/wrenn?target_session_attrs=read-write",
		"postgres:///db?host=/run/postgresql&user=x",
		"postgres://[::1]:5432/db",
	};

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		cr_expect_eq(store_url_check(str_of(good[i]), NULL), 0, "%s", good[i]);
}

Test(url, refuses_everything_else_without_showing_it)
{
	static const char *const bad[] = {
		"",
		"secret",
		"sqlite",
		"sqlite:",
		"sqlite:/var/secret/",
		"sqlite::memory:",
		"sqlite:secret.db?mode=memory",
		"sqlite:se\ncret",
		"sqlite:secret\xff",
		"SQLITE:secret",
		"mysql://secret@localhost/db",
		"postgres:secret",
		"postgres://u:%zzsecret@localhost/db",
		"postgres://u@localhost/db?secret=1",
		"postgres://[::1/secret",
		"postgres://u:a@secret@localhost/db",
		"postgres://u:secret/b@localhost/db",
		" sqlite:secret",
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct reason why = { .text = "" };

		cr_expect_eq(store_url_check(str_of(bad[i]), &why), -EINVAL, "%s", bad[i]);
		cr_expect_neq(why.text[0], '\0', "%s", bad[i]);
		cr_expect_null(strstr(why.text, "secret"), "%s", why.text);
	}
}

Test(url, refuses_one_of_five_thousand_bytes_and_one_with_a_nul)
{
	static char long_url[5000];

	memset(long_url, 'a', sizeof(long_url));
	memcpy(long_url, "sqlite:", 7);
	cr_expect_eq(store_url_check((struct str){ long_url, sizeof(long_url) }, NULL), -EINVAL);
	cr_expect_eq(store_url_check(STR("sqlite:a\0b"), NULL), -EINVAL);
}

Test(url, a_bad_one_opens_nothing)
{
	uv_loop_t loop;
	struct store *store = NULL;
	struct store_options options = { .loop = &loop, .url = "sqlite:", .readers = 1 };

	cr_assert_eq(uv_loop_init(&loop), 0);
	cr_expect_eq(store_open(&options, &store), -EINVAL);
	options.url = "sqlite:/tmp/never-opened.db";
	options.readers = 0;
	cr_expect_eq(store_open(&options, &store), -EINVAL);
	cr_expect_null(store);
	cr_expect_eq(store_migrate("nonsense", NULL), -EINVAL);
	cr_expect_eq(uv_loop_close(&loop), 0);
}
