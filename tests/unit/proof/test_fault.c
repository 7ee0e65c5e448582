/* SPDX-License-Identifier: Apache-2.0 */

/* Every allocation fails in turn: a hash is the right one, or there was no memory. */
#include <criterion/criterion.h>
#include <errno.h>

#include "core/json.h"
#include "proof/leaf.h"
#include "tests/support/heap.h"

static const struct hmac_key *find_key(void *owner, struct str subject)
{
	static struct hmac_key key;
	uint8_t bytes[LEAF_KEY_SIZE];

	(void)owner;
	crypto_sha256(subject, bytes);
	crypto_hmac_key((struct str){ (char *)bytes, sizeof(bytes) }, &key);
	return &key;
}

struct hashing {
	struct leaf_row row;
	struct merkle_hash expected;
};

static void hash_once(void *arg)
{
	const struct hashing *hashing = arg;
	struct merkle_hash hash;
	struct buf data;
	int rc;

	buf_init(&data, LEAF_MAX_BYTES);
	rc = leaf_hash(&hashing->row, find_key, NULL, &data, &hash);
	buf_done(&data);
	cr_expect(rc == -ENOMEM || (rc == 0 && merkle_eq(&hash, &hashing->expected)), "%d", rc);
}

Test(fault, a_leaf_has_its_hash_or_there_was_no_memory)
{
	struct hashing hashing = {
		.row = { .team_id = STR("team"),
			 .id = STR("log"),
			 .actor_type = STR("user"),
			 .actor_id = STR("usr-0000000000000000000000001"),
			 .actor_name = STR("Anna") },
	};
	cJSON *metadata = NULL;
	struct buf data;

	buf_init(&data, LEAF_MAX_BYTES);
	cr_assert_eq(
		json_parse(STR("{\"error\":\"e\",\"list\":[1,{\"a\":2}]}"), 1024, &metadata, NULL),
		0);
	hashing.row.metadata = metadata;
	cr_assert_eq(leaf_hash(&hashing.row, find_key, NULL, &data, &hashing.expected), 0);
	buf_done(&data);
	heap_fail_each(hash_once, &hashing);
	cJSON_Delete(metadata);
}
