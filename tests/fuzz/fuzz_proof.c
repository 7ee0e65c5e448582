/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Any bytes as a signed note, a key, a checkpoint, and the lines of an export. What is accepted has
 * to be written as a text that is accepted and means the same. Nobody can sign for the key, so no
 * export of these bytes holds.
 */
#include <stdlib.h>

#include "proof/verifier.h"

/* Unlike assert(), cannot be compiled out and gives the fuzzer its crash. */
#define CHECK(fact)              \
	do {                     \
		if (!(fact))     \
			abort(); \
	} while (0)

static const char vkey[] = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

static void check_key(struct str text)
{
	struct note_key key;
	struct note_key again;
	struct buf out;

	if (note_key_read(text, &key, NULL) < 0)
		return;
	buf_init(&out, 1024);
	note_key_write(&out, &key);
	CHECK(note_key_read(buf_str(&out), &again, NULL) == 0 && again.id == key.id);
	buf_done(&out);
}

static void check_checkpoint(struct str text)
{
	struct checkpoint checkpoint;
	struct checkpoint again;
	struct buf out;

	if (checkpoint_read(text, &checkpoint, NULL) < 0)
		return;
	buf_init(&out, text.len + 1024);
	checkpoint_write(&out, &checkpoint);
	CHECK(checkpoint_read(buf_str(&out), &again, NULL) == 0);
	CHECK(str_eq(checkpoint.origin, again.origin) && checkpoint.size == again.size);
	CHECK(merkle_eq(&checkpoint.root, &again.root) && checkpoint.outside == again.outside);
	buf_done(&out);
}

static void check_export(struct str text, const struct note_key *key)
{
	struct verifier *verifier = calloc(1, sizeof(*verifier));
	struct reason why = { .text = "" };
	int rc = 0;

	CHECK(verifier);
	verifier->keys = key;
	verifier->key_count = 1;
	verifier->wanted_id = "log-0000000000000000000000001";
	while (rc == 0 && text.at)
		rc = verifier_line(verifier, str_cut(&text, '\n'), &why);
	CHECK(verifier_end(verifier, &why) < 0 && why.text[0] != '\0');
	free(verifier);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct str text = { .at = (const char *)bytes, .len = size };
	const struct note_key *by = NULL;
	struct note_key key;
	struct str signed_text;

	CHECK(note_key_read(str_of(vkey), &key, NULL) == 0);
	check_key(text);
	check_checkpoint(text);
	if (note_open(text, &key, 1, &signed_text, &by, NULL) == 0)
		CHECK(by == &key && signed_text.len < size);
	check_export(text, &key);
	return 0;
}
