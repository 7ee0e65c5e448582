/* SPDX-License-Identifier: Apache-2.0 */

#include "net/redis_identity.h"

#include <stdbool.h>
#include <stdio.h>

/* A replication id of forty zeros means that there is none. */
static bool is_id(struct str text)
{
	bool has_digit = false;

	for (size_t i = 0; i < text.len; i++)
		has_digit = has_digit || text.at[i] != '0';
	return has_digit && text.len < REDIS_ID_SIZE;
}

static void set_id(char out[REDIS_ID_SIZE], struct str text)
{
	if (is_id(text))
		snprintf(out, REDIS_ID_SIZE, "%.*s", STR_ARGS(text));
}

static void take_line(struct redis_identity *identity, struct str line)
{
	struct str value = line;
	struct str name = str_cut(&value, ':');
	unsigned long long offset;

	if (!value.at)
		return;
	if (str_is(name, "run_id"))
		set_id(identity->run_id, value);
	else if (str_is(name, "master_replid"))
		set_id(identity->replid, value);
	else if (str_is(name, "master_replid2"))
		set_id(identity->replid2, value);
	else if (str_is(name, "second_repl_offset") && str_to_u64(value, &offset) &&
		 offset <= INT64_MAX)
		identity->second_offset = (int64_t)offset;
}

void redis_identity_parse(struct str info, struct redis_identity *out)
{
	*out = (struct redis_identity){ .second_offset = -1 };
	while (info.at)
		take_line(out, str_trim(str_cut(&info, '\n')));
}
