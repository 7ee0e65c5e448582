/* SPDX-License-Identifier: Apache-2.0 */

/* Requests to the endpoints as team A, one at a time, and their answers. */
#ifndef TESTS_SUPPORT_CALLS_H
#define TESTS_SUPPORT_CALLS_H

#include "core/json.h"
#include "tests/support/rig.h"

#define CALL_PATH_SIZE 64

extern char call_answer[262144];

/* Returns the status. The body is in call_answer. */
int call(struct rig *rig, const char *method, const char *path, const char *body);
int call_as(struct rig *rig, const char *team, const char *method, const char *path,
	    const char *body);

/* The answer as a tree, for cJSON_Delete(). */
cJSON *call_tree(void);

/* Makes a channel and gives its path. */
void call_create(struct rig *rig, const char *body, char path[CALL_PATH_SIZE]);

/* A body, and the field that the refusal names; NULL: none. */
struct bad_body {
	const char *body;
	const char *field;
};

/* Each is a 400 that names its field. */
void call_refused(struct rig *rig, const char *method, const char *path,
		  const struct bad_body *cases, size_t count);

/* A body past 64 KiB is a 413. */
void call_refused_as_too_large(struct rig *rig, const char *method, const char *path);

#endif
