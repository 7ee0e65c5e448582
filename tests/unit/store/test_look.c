/* SPDX-License-Identifier: Apache-2.0 */

/* A look at a store makes nothing and shows no password. */
#include "tests/unit/store/fixture.h"

Test(store_look, finds_a_store_and_makes_none)
{
	struct reason why = { .text = "" };
	char url[512];

	for (int engine = 0; engine < DATABASE_ENGINES; engine++) {
		struct database database = database_make((enum database_engine)engine);

		cr_expect_eq(store_look(database.url, &why), 0, "%s", why.text);
	}
	snprintf(url, sizeof(url), "sqlite:%s/nowhere/%d.db", getenv("TEST_DIR"), (int)getpid());
	cr_expect_eq(store_look(url, &why), -ENOENT);
	cr_expect_eq(store_look(url, NULL), -ENOENT);
	cr_expect_neq(access(url + strlen("sqlite:"), F_OK), 0);
	cr_expect_eq(store_look(getenv("TEST_POSTGRES_URL"), &why), -ENOENT);
	cr_expect_eq(store_look("postgres://u:s3cr3t@localhost:1/db", &why), -ENOTCONN);
	cr_expect_null(strstr(why.text, "s3cr3t"));
	cr_expect_eq(store_look("nonsense", &why), -EINVAL);
}

static const char *name_of(const char *url)
{
	static char text[1024];
	struct buf name;

	buf_init(&name, sizeof(text) - 1);
	store_name(url, &name);
	snprintf(text, sizeof(text), "%s", buf_text(&name));
	buf_done(&name);
	return text;
}

Test(store_name, says_where_without_the_password)
{
	char expected[1024];
	char *here = getcwd(NULL, 0);

	snprintf(expected, sizeof(expected), "%s/var/x.db", here);
	free(here);
	cr_expect_str_eq(name_of("sqlite:var/x.db"), expected);
	cr_expect_str_eq(name_of("sqlite:/srv/a b/x.db"), "/srv/a b/x.db");
	cr_expect_str_eq(name_of("postgres://u:s3cr3t@db.example:5432/wrenn?pool_max_conns=4"),
			 "the PostgreSQL database wrenn on db.example");
	cr_expect_str_eq(name_of("postgres://"),
			 "the PostgreSQL database of the user on this machine");
}
