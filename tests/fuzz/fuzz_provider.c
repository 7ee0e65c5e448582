/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Any bytes as the settings of a webhook and as the headers of its answer. A URL that is taken
 * is the sum of its parts; a config that passes check builds; no request holds a line of
 * somebody else's making; waits stay within their hour.
 */
#include <stdlib.h>

#include "providers/provider.h"

#define CHECK(fact)              \
	do {                     \
		if (!(fact))     \
			abort(); \
	} while (0)

static void check_url(struct str url)
{
	struct url_parts parts;

	if (!url_split(url, &parts))
		return;
	CHECK(parts.host.len > 0 && parts.host.len <= 253);
	CHECK(!memchr(url.at, '#', url.len) && !memchr(parts.host.at, '@', parts.host.len));
	CHECK(parts.path.len == 0 || parts.path.at[0] == '/');
	/* What the parts do not cover are at most "://", two brackets, a colon and a '?'. */
	size_t sum = parts.scheme.len + parts.host.len + parts.port.len + parts.path.len +
		     parts.query.len;
	CHECK(sum + 3 <= url.len && url.len <= sum + 7);
}

static void check_webhook(struct str url, struct str secret)
{
	const struct provider *webhook = provider_find(STR("webhook"));
	const struct provider_config config = {
		.count = 2,
		.fields = { { "url", url }, { "secret", secret } },
	};
	const struct message message = { .body = secret };
	const struct attempt attempt = { .delivery_id = STR("id"),
					 .old_secret = url,
					 .user_agent = "x" };
	struct reason why = { .text = "" };
	struct outgoing out;

	outgoing_init(&out);
	if (webhook->check(&config, &why) < 0) {
		CHECK(why.text[0] && why.field[0]);
		CHECK(webhook->build(&message, &config, &attempt, &out) < 0);
	} else if (secret.len) {
		CHECK(webhook->build(&message, &config, &attempt, &out) == 0);
		for (size_t i = 0; i < out.header_count; i++)
			CHECK(!memchr(out.headers[i].bytes, '\n', out.headers[i].len));
	}
	outgoing_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = { .at = (const char *)data, .len = size };
	struct answer answer = { .status = 503, .headers = rest };
	struct verdict verdict = judge_by_status(&answer, 1779598928000000);

	CHECK(verdict.kind == VERDICT_RETRY);
	CHECK(verdict.retry_after_ms >= -1 && verdict.retry_after_ms <= 3600000);

	struct str url = str_cut(&rest, '\n');
	check_url(url);
	check_webhook(url, rest.at ? rest : STR(""));
	return 0;
}
