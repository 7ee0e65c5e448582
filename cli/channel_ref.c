/* SPDX-License-Identifier: Apache-2.0 */

/* The service changes names to small letters and spaces to hyphens, and so does the look-up. */
#include "cli/channel_ref.h"

#include <ctype.h>
#include <stdio.h>

#include "cli/command.h"
#include "core/suggest.h"

#define NAME_SIZE 128

static void as_stored(const char *typed, char out[NAME_SIZE])
{
	size_t at = 0;

	for (; typed[at] && at + 1 < NAME_SIZE; at++)
		out[at] = (char)(typed[at] == ' ' ? '-' : tolower((unsigned char)typed[at]));
	out[at] = '\0';
}

static int refuse(const char *typed, const struct suggestion *suggestion)
{
	if (suggestion->meant)
		return command_fault(EXIT_FAILED, "there is no channel \"%s\"; did you mean %s?",
				     typed, suggestion->meant);
	return command_fault(
		EXIT_FAILED,
		"there is no channel \"%s\"; `wrenn-events channels list` shows ids and names",
		typed);
}

static int find_by_name(struct service *service, const char *typed, char out_id[ID_TEXT_SIZE])
{
	char name[NAME_SIZE];
	struct suggestion suggestion = { .typed = name };
	const cJSON *channel;
	int code = service_ask(service, "GET", "/v1/channels", STR(""));

	if (code != EXIT_GOOD)
		return code;
	as_stored(typed, name);
	cJSON_ArrayForEach(channel, service->answer)
	{
		const char *id = json_get_string(channel, "id");
		const char *other = json_get_string(channel, "name");

		if (!id || !other)
			continue;
		if (strcmp(other, name) == 0) {
			snprintf(out_id, ID_TEXT_SIZE, "%s", id);
			return EXIT_GOOD;
		}
		suggest_consider(&suggestion, other);
	}
	return refuse(typed, &suggestion);
}

int channel_ref_find(struct service *service, const char *typed, char out_id[ID_TEXT_SIZE])
{
	struct uuid ignored;

	if (id_parse(ID_CHANNEL, str_of(typed), &ignored) < 0)
		return find_by_name(service, typed, out_id);
	snprintf(out_id, ID_TEXT_SIZE, "%s", typed);
	return EXIT_GOOD;
}
