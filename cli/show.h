/* SPDX-License-Identifier: Apache-2.0 */

/* One object of the API for people: a line for each member. Members that are new to the API are
 * shown without a change here. */
#ifndef CLI_SHOW_H
#define CLI_SHOW_H

#include "cli/service.h"

/* Adds a row for each member that has a value. `without` names a member to leave out, or is
 * NULL. */
void show_add(struct table *table, const cJSON *object, const char *without);

/* Prints the object, and returns an exit code. */
int show_print(const cJSON *object, const char *without);

/* Prints the service's answer: unchanged for programs, its members as rows for people. */
int show_answer(const struct service *service);

/* Appends a value as text: "yes", "a, b", "outcome error, reason ttl_expired". */
void show_add_value(struct buf *out, const cJSON *value);

/* The tone of a state or a verdict of the API. */
enum tone show_tone(struct str word);

#endif
