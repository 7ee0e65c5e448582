/* SPDX-License-Identifier: Apache-2.0 */

/* Every allocation fails in turn: a body is parsed whole, or there was no memory. */
#include <criterion/criterion.h>
#include <errno.h>

#include "api/body.h"
#include "core/json.h"
#include "tests/support/heap.h"

static void parse_once(void *arg)
{
	struct reason why = { .text = "" };
	cJSON *tree = NULL;
	int rc = body_parse(STR("{\"name\":\"a\",\"config\":{\"url\":\"x\"}}"), &tree, &why);

	(void)arg;
	cr_expect(rc == 0 || rc == -ENOMEM, "%d %s", rc, why.text);
	if (rc == 0)
		cr_expect_str_eq(json_get_string(json_get(tree, "config"), "url"), "x");
	else
		cr_expect_null(tree);
	cJSON_Delete(tree);
}

Test(fault, a_body_is_parsed_whole_or_there_was_no_memory)
{
	heap_fail_each(parse_once, NULL);
}
