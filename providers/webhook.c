/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The owner's own HTTP endpoint (contract d.2). The event's bytes go out unchanged, with two
 * signatures: that of the control plane (X-Wrenn-Signature, the secret's text as the key) and that
 * of Standard Webhooks 1.0.0 (webhook-signature, the secret decoded from base64).
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/crypto.h"
#include "core/rfc3339.h"
#include "providers/builtin.h"

#define SECRET_MIN 16 /* bytes */

static void wipe(struct buf *key)
{
	if (key->bytes)
		explicit_bzero(key->bytes, key->cap);
	buf_done(key);
}

/* The key of Standard Webhooks: the secret decoded from base64, without its prefix. After the
 * prefix it can only be base64, so padding that was lost in copying is added again. Returns false
 * if the secret cannot sign in this scheme. The caller wipes *out in either case. */
static bool standard_key(struct str secret, struct buf *out)
{
	static const char padding[] = "==";
	bool has_prefix = str_starts(secret, STR("whsec_"));
	struct buf padded;
	bool is_key;

	if (has_prefix)
		secret = str_from(secret, strlen("whsec_"));
	buf_init(&padded, CONFIG_MAX_VALUE + 4);
	buf_add_str(&padded, secret);
	if (has_prefix && secret.len % 4 >= 2)
		buf_add(&padded, padding, 4 - secret.len % 4);
	is_key = base64_decode(out, buf_str(&padded)) && out->len > 0;
	if (padded.err)
		out->err = padded.err;
	wipe(&padded);
	return is_key && !out->err;
}

int webhook_signs_by_standard(struct str secret)
{
	struct buf key;
	int rc;

	buf_init(&key, CONFIG_MAX_VALUE);
	rc = standard_key(secret, &key);
	if (key.err == -ENOMEM)
		rc = -ENOMEM;
	wipe(&key);
	return rc;
}

/* 0 with *fault, which is NULL for a good secret; or -ENOMEM. */
static int find_secret_fault(struct str secret, const char **fault)
{
	struct buf key;
	int rc = 0;

	*fault = NULL;
	if (secret.len == 0)
		return 0;
	if (secret.len < SECRET_MIN)
		*fault = "has fewer than 16 bytes and could be guessed";
	if (*fault || !str_starts(secret, STR("whsec_")))
		return 0;
	buf_init(&key, CONFIG_MAX_VALUE);
	if (!standard_key(secret, &key)) {
		rc = key.err == -ENOMEM ? -ENOMEM : 0;
		*fault = "begins with whsec_, but what follows is not base64";
	} else if (key.len < SECRET_MIN) {
		*fault = "has a key of fewer than 16 bytes after whsec_, which could be guessed";
	}
	wipe(&key);
	return rc;
}

static int webhook_check(const struct provider_config *config, struct reason *why)
{
	int rc = config_check_fields(config, webhook_provider.fields, why);
	struct url_parts parts;
	const char *fault;

	if (rc)
		return rc;
	fault = url_fault(config_value(config, "url"), &parts);
	if (fault)
		return config_refuse(why, "url", fault, "https://example.com/hooks/wrenn");
	rc = find_secret_fault(config_value(config, "secret"), &fault);
	if (rc)
		return reason_set(why, rc, "", "out of memory");
	return fault ? config_refuse(why, "secret", fault,
				     "64 hexadecimal digits from `openssl rand -hex 32`, or none")
		     : 0;
}

/* The secrets that are valid now, newest first. */
struct ring {
	size_t count;
	struct str secrets[1 + ATTEMPT_OLD_SECRETS];
};

static struct ring ring_of(struct str secret, const struct attempt *attempt)
{
	struct ring ring = { .count = 1, .secrets = { secret } };

	assert(attempt->old_secret_count <= ATTEMPT_OLD_SECRETS);
	for (size_t i = 0; i < attempt->old_secret_count; i++)
		ring.secrets[ring.count++] = attempt->old_secrets[i];
	return ring;
}

static void sign(struct str secret, const struct str pieces[3], char out[SHA256_HEX_SIZE])
{
	uint8_t mac[SHA256_SIZE];

	crypto_hmac_sha256(secret, pieces, 3, mac);
	hex_encode(mac, sizeof(mac), out);
}

static void add_plain_signature(struct buf *out, const char *hex)
{
	buf_add_text(out, out->len ? ", sha256=" : "sha256=");
	buf_add_text(out, hex);
}

/* X-Wrenn-Signature is one signature, because receivers compare the whole header. While several
 * secrets are valid each attempt takes the next one, the new one first: a receiver that still has
 * an old one accepts the event at a later attempt. X-Wrenn-Signatures has all of them, for
 * receivers that search for theirs. */
static void sign_plainly(struct outgoing *out, const struct ring *ring,
			 const struct attempt *attempt, const struct str pieces[3])
{
	size_t turn = (attempt->number > 0 ? attempt->number - 1 : 0) % ring->count;
	struct buf one, all;

	buf_init(&one, 128);
	buf_init(&all, 512);
	for (size_t i = 0; i < ring->count; i++) {
		char hex[SHA256_HEX_SIZE];

		sign(ring->secrets[i], pieces, hex);
		add_plain_signature(&all, hex);
		if (i == turn)
			add_plain_signature(&one, hex);
	}
	if (one.err || all.err)
		out->url.err = one.err ? one.err : all.err;
	outgoing_header(out, "X-Wrenn-Signature", buf_str(&one));
	outgoing_header(out, "X-Wrenn-Signatures", buf_str(&all));
	buf_done(&all);
	buf_done(&one);
}

/* Appends "v1,<signature>", after a space when it is not the first. A secret that is not base64
 * cannot sign in this scheme and appends nothing. */
static void add_standard_signature(struct buf *out, struct str secret, const struct str *pieces,
				   size_t count)
{
	struct buf key;
	uint8_t mac[SHA256_SIZE];

	buf_init(&key, CONFIG_MAX_VALUE);
	if (standard_key(secret, &key)) {
		crypto_hmac_sha256(buf_str(&key), pieces, count, mac);
		buf_add_text(out, out->len ? " v1," : "v1,");
		base64_encode(out, (struct str){ .at = (const char *)mac, .len = sizeof(mac) });
	}
	if (key.err)
		out->err = key.err;
	wipe(&key);
}

static void sign_by_standard(struct outgoing *out, const struct ring *ring,
			     const struct attempt *attempt, struct str body)
{
	struct buf seconds, signatures;

	buf_init(&seconds, 24);
	buf_init(&signatures, 512);
	buf_add_i64(&seconds, attempt->now_us / 1000000);

	const struct str pieces[] = { attempt->delivery_id, STR("."), buf_str(&seconds), STR("."),
				      body };
	for (size_t i = 0; i < ring->count; i++)
		add_standard_signature(&signatures, ring->secrets[i], pieces, ARRAY_LEN(pieces));
	if (seconds.err || signatures.err)
		out->url.err = seconds.err ? seconds.err : signatures.err;

	outgoing_header(out, "webhook-id", attempt->delivery_id);
	outgoing_header(out, "webhook-timestamp", buf_str(&seconds));
	if (signatures.len)
		outgoing_header(out, "webhook-signature", buf_str(&signatures));
	buf_done(&signatures);
	buf_done(&seconds);
}

static int webhook_build(const struct message *message, const struct provider_config *config,
			 const struct attempt *attempt, struct outgoing *out)
{
	struct str secret = config_value(config, "secret");
	char timestamp[RFC3339_TEXT_SIZE];
	char number[12];
	struct url_parts parts;

	assert(attempt->now_us >= 0);
	/* Anybody could forge a signature with an empty key; a full stop in the id would make the
	 * signed text ambiguous. */
	if (secret.len == 0 || !url_split(config_value(config, "url"), &parts) ||
	    attempt->delivery_id.len == 0 ||
	    memchr(attempt->delivery_id.at, '.', attempt->delivery_id.len))
		return -EINVAL;

	rfc3339_format(attempt->now_us, 0, timestamp);

	const struct ring ring = ring_of(secret, attempt);
	const struct str signed_text[] = { str_of(timestamp), STR("."), message->body };

	snprintf(number, sizeof(number), "%u", attempt->number);
	out->method = "POST";
	buf_add_str(&out->url, config_value(config, "url"));
	buf_add_str(&out->body, message->body);
	outgoing_header(out, "Content-Type", STR("application/json"));
	outgoing_header(out, "User-Agent", str_of(attempt->user_agent));
	sign_plainly(out, &ring, attempt, signed_text);
	outgoing_header(out, "X-Wrenn-Delivery", attempt->delivery_id);
	outgoing_header(out, "X-Wrenn-Timestamp", str_of(timestamp));
	outgoing_header(out, "X-Wrenn-Attempt", str_of(number));
	if (message->instead_of.len)
		outgoing_header(out, "X-Wrenn-Instead-Of", message->instead_of);
	sign_by_standard(out, &ring, attempt, message->body);
	return outgoing_error(out);
}

/* 410 means that its owner removed it. Any other failure may be temporary: the receiver is the
 * owner's own, and the meaning of its codes is unknown. Codes that Standard Webhooks calls
 * throttling count as such. */
static struct verdict webhook_judge(const struct answer *answer, int64_t now_us)
{
	struct verdict verdict = judge_by_status(answer, now_us);

	if (answer->status == 410) {
		verdict = verdict_of(VERDICT_DISABLE);
		verdict.is_final = true;
		verdict.why = "it is gone for good";
	}
	verdict.is_throttled =
		answer->status == 429 || answer->status == 502 || answer->status == 504;
	return verdict;
}

static struct measure webhook_measure(const struct outgoing *request)
{
	return (struct measure){ "UTF-8 bytes", request->body.len, OUTGOING_MAX_BODY };
}

const struct provider webhook_provider = {
	.name = "webhook",
	.title = "the receiver",
	.sends_body = true,
	.fields = {
		{ .name = "url",
		  .need = FIELD_REQUIRED,
		  .use = FIELD_TARGET,
		  .example = "https://example.com/" },
		{ .name = "secret",
		  .need = FIELD_OPTIONAL,
		  .use = FIELD_PLAIN,
		  .example = "an example secret" },
	},
	.check = webhook_check,
	.build = webhook_build,
	.judge = webhook_judge,
	.measure = webhook_measure,
};
