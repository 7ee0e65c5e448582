/* SPDX-License-Identifier: Apache-2.0 */

/* Requests to the endpoints by team A, one at a time, and their answers. */
#ifndef TESTS_SUPPORT_CALLS_H
#define TESTS_SUPPORT_CALLS_H

#include "core/json.h"
#include "tests/support/rig.h"

#define CALL_PATH_SIZE 64

extern char call_answer[1048576];

/* Returns the status and puts the body into call_answer. */
int call(struct rig *rig, const char *method, const char *path, const char *body);
int call_as(struct rig *rig, const char *team, const char *method, const char *path,
	    const char *body);

/* Returns the answer as a tree; free it with cJSON_Delete(). */
cJSON *call_tree(void);

/* Creates a channel and returns its path. */
void call_create(struct rig *rig, const char *body, char path[CALL_PATH_SIZE]);

/* A request body, and the field that the error names; NULL: none. */
struct bad_body {
	const char *body;
	const char *field;
};

/* Expects a 400 for each, with its field. */
void call_refused(struct rig *rig, const char *method, const char *path,
		  const struct bad_body *cases, size_t count);

/* Expects a 413 for a body over 64 KiB. */
void call_refused_as_too_large(struct rig *rig, const char *method, const char *path);

#endif
