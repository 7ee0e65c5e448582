/* SPDX-License-Identifier: Apache-2.0 */

/* Every allocation fails in turn: a hash is the right one, or there was no memory. */
#include <criterion/criterion.h>
#include <errno.h>

#include "core/json.h"
#include "proof/leaf.h"
#include "tests/support/heap.h"

static int find_key(void *owner, struct str subject, uint8_t out[LEAF_KEY_SIZE])
{
	(void)owner;
	crypto_sha256(subject, out);
	return 0;
}

struct hashing {
	struct leaf_row row;
	struct merkle_hash expected;
};

static void hash_once(void *arg)
{
	const struct hashing *hashing = arg;
	struct merkle_hash hash;
	int rc = leaf_hash(&hashing->row, find_key, NULL, &hash);

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

	cr_assert_eq(
		json_parse(STR("{\"error\":\"e\",\"list\":[1,{\"a\":2}]}"), 1024, &metadata, NULL),
		0);
	hashing.row.metadata = metadata;
	cr_assert_eq(leaf_hash(&hashing.row, find_key, NULL, &hashing.expected), 0);
	heap_fail_each(hash_once, &hashing);
	cJSON_Delete(metadata);
}
