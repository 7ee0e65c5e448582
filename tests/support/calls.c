/* SPDX-License-Identifier: Apache-2.0 */

/* Sends a request and parses the answer. */
#include "tests/support/calls.h"

#include <stdio.h>

char call_answer[1048576];

int call_as(struct rig *rig, const char *team, const char *method, const char *path,
	    const char *body)
{
	return rig_request(rig, method, path, team, body, call_answer, sizeof(call_answer));
}

int call(struct rig *rig, const char *method, const char *path, const char *body)
{
	return call_as(rig, TEAM_A, method, path, body);
}

cJSON *call_tree(void)
{
	cJSON *tree = NULL;

	cr_assert_eq(json_parse(str_of(call_answer), sizeof(call_answer), &tree, NULL), 0, "%s",
		     call_answer);
	cr_assert_eq(call_answer[strlen(call_answer) - 1], '\n', "JSON ends with a newline");
	return tree;
}

void call_create(struct rig *rig, const char *body, char path[CALL_PATH_SIZE])
{
	cJSON *tree;

	cr_assert_eq(call(rig, "POST", "/v1/channels", body), 201, "%s", call_answer);
	tree = call_tree();
	snprintf(path, CALL_PATH_SIZE, "/v1/channels/%s", json_get_string(tree, "id"));
	cJSON_Delete(tree);
}

void call_refused(struct rig *rig, const char *method, const char *path,
		  const struct bad_body *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const cJSON *error;
		const char *field;
		cJSON *tree;

		cr_expect_eq(call(rig, method, path, cases[i].body), 400, "%s: %s", cases[i].body,
			     call_answer);
		tree = call_tree();
		error = json_get(tree, "error");
		field = json_get_string(json_get(error, "details"), "field");
		cr_expect(json_get_string(error, "code") &&
				  strcmp(json_get_string(error, "code"), "invalid_request") == 0,
			  "%s", call_answer);
		cr_expect_str_eq(field ? field : "none", cases[i].field ? cases[i].field : "none",
				 "%s: %s", cases[i].body, call_answer);
		cr_expect_null(strstr(call_answer, "s3cret"), "a value is repeated: %s",
			       call_answer);
		cJSON_Delete(tree);
	}
}

void call_refused_as_too_large(struct rig *rig, const char *method, const char *path)
{
	static char body[HTTP_MAX_BODY + 2];

	memset(body, ' ', sizeof(body) - 1);
	cr_expect_eq(call(rig, method, path, body), 413, "%s", call_answer);
	cr_expect(strstr(call_answer, "\"payload_too_large\""), "%s", call_answer);
}
