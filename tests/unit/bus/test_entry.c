/* SPDX-License-Identifier: Apache-2.0 */

/* Reads entries from good and from malformed replies. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "bus/entry.h"
#include "bus/unknown.h"
#include "tests/unit/bus/bus_fixture.h"

static redisReply *reply_of(const char *resp)
{
	redisReader *reader = redisReaderCreate();
	void *reply = NULL;

	cr_assert_eq(redisReaderFeed(reader, resp, strlen(resp)), REDIS_OK);
	cr_assert_eq(redisReaderGetReply(reader, &reply), REDIS_OK, "%s", resp);
	cr_assert(reply, "%s", resp);
	redisReaderFree(reader);
	return reply;
}

#define ID "$3\r\n1-2\r\n"

static const struct entry_case {
	const char *resp;
	int rc;
	enum entry_fate fate;
} entry_cases[] = {
	{ "*2\r\n" ID "*2\r\n$7\r\npayload\r\n$2\r\n{}\r\n", 0, ENTRY_UNREADABLE },
	{ "*2\r\n" ID "*2\r\n$7\r\npayload\r\n$0\r\n\r\n", 0, ENTRY_UNREADABLE },
	{ "*2\r\n" ID "*2\r\n$7\r\nPayload\r\n$2\r\n{}\r\n", 0, ENTRY_NO_PAYLOAD },
	{ "*2\r\n" ID "*4\r\n$1\r\na\r\n$7\r\npayload\r\n$1\r\nb\r\n$1\r\nc\r\n", 0,
	  ENTRY_NO_PAYLOAD },
	{ "*2\r\n" ID "*0\r\n", 0, ENTRY_NO_PAYLOAD },
	{ "*2\r\n" ID "*-1\r\n", 0, ENTRY_TRIMMED },
	{ "*2\r\n" ID "$-1\r\n", 0, ENTRY_TRIMMED },
	{ "*2\r\n" ID "*1\r\n$7\r\npayload\r\n", -EBADMSG, 0 },
	{ "*2\r\n" ID "*2\r\n$7\r\npayload\r\n:5\r\n", -EBADMSG, 0 },
	{ "*2\r\n" ID "*2\r\n$7\r\npayload\r\n*0\r\n", -EBADMSG, 0 },
	{ "*2\r\n" ID ":5\r\n", -EBADMSG, 0 },
	{ "*2\r\n" ID "$1\r\nx\r\n", -EBADMSG, 0 },
	{ "*1\r\n" ID, -EBADMSG, 0 },
	{ "*0\r\n", -EBADMSG, 0 },
	{ "*-1\r\n", -EBADMSG, 0 },
	{ "$-1\r\n", -EBADMSG, 0 },
	{ ":1\r\n", -EBADMSG, 0 },
	{ "+OK\r\n", -EBADMSG, 0 },
	{ "*2\r\n$3\r\n1_2\r\n*0\r\n", -EBADMSG, 0 },
	{ "*2\r\n$1\r\n1\r\n*0\r\n", -EBADMSG, 0 },
	{ "*2\r\n$0\r\n\r\n*0\r\n", -EBADMSG, 0 },
	{ "*2\r\n:12\r\n*0\r\n", -EBADMSG, 0 },
	{ "*2\r\n$-1\r\n*0\r\n", -EBADMSG, 0 },
	{ "*2\r\n$23\r\n18446744073709551616-01\r\n*0\r\n", -EBADMSG, 0 },
};

Test(entry, tells_what_is_no_entry_from_what_is_no_event)
{
	for (size_t i = 0; i < ARRAY_LEN(entry_cases); i++) {
		redisReply *reply = reply_of(entry_cases[i].resp);
		struct entry entry;
		int rc = entry_read(reply, &entry);

		cr_expect_eq(rc, entry_cases[i].rc, "%s: %d", entry_cases[i].resp, rc);
		if (rc == 0) {
			cr_expect_eq(entry.fate, entry_cases[i].fate, "%s: %d", entry_cases[i].resp,
				     (int)entry.fate);
			cr_expect_eq(entry.id.ms, 1);
			cr_expect_eq(entry.id.seq, 2);
			cr_expect_null(entry.event);
		}
		freeReplyObject(reply);
	}
}

static enum entry_fate fate_of(const char *kind, const char *capsule)
{
	char payload[512];
	char resp[1024];
	redisReply *reply;
	struct entry entry;

	event_text(payload, kind, capsule, 1);
	snprintf(resp, sizeof(resp), "*2\r\n" ID "*2\r\n$7\r\npayload\r\n$%zu\r\n%s\r\n",
		 strlen(payload), payload);
	reply = reply_of(resp);
	cr_assert_eq(entry_read(reply, &entry), 0);
	freeReplyObject(reply);
	cr_expect_eq(entry.event != NULL, entry.fate == ENTRY_SHOWN);
	event_free(entry.event);
	return entry.fate;
}

Test(entry, shows_only_durable_events_of_known_kind_about_something)
{
	cr_expect_eq(fate_of("capsule.create", TEST_CAPSULE), ENTRY_SHOWN);
	cr_expect_eq(fate_of("capsule.create", ZERO_CAPSULE), ENTRY_IGNORED);
	cr_expect_eq(fate_of("volume.create", TEST_CAPSULE), ENTRY_SHOWN);
	cr_expect_eq(fate_of("volume.attach", TEST_CAPSULE), ENTRY_IGNORED);
	cr_expect_eq(fate_of("capsule.state.changed", TEST_CAPSULE), ENTRY_IGNORED);
	cr_expect_eq(fate_of("channel.test", TEST_CAPSULE), ENTRY_IGNORED);
	cr_expect_eq(fate_of("connected", TEST_CAPSULE), ENTRY_IGNORED);
}

/* How often `needle` occurs in the file. */
static size_t count_warnings(int fd, const char *needle)
{
	static char text[1 << 16];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	size_t count = 0;

	cr_assert_geq(n, 0);
	text[n] = '\0';
	for (const char *at = strstr(text, needle); at; at = strstr(at + 1, needle))
		count++;
	return count;
}

Test(entry, warns_once_of_each_unknown_kind_and_of_no_more_than_it_can_keep)
{
	FILE *file = tmpfile();
	char kind[100];

	cr_assert_not_null(file);
	cr_assert_geq(dup2(fileno(file), STDERR_FILENO), 0);
	for (int i = 0; i < 3; i++) {
		cr_expect_eq(fate_of("volume.attach", TEST_CAPSULE), ENTRY_IGNORED);
		cr_expect_eq(fate_of("volume.detach", TEST_CAPSULE), ENTRY_IGNORED);
	}
	cr_expect_eq(count_warnings(fileno(file), "volume.attach"), 1);
	cr_expect_eq(count_warnings(fileno(file), "volume.detach"), 1);
	for (int i = 0; i < 3 * UNKNOWN_MAX_KINDS; i++) {
		snprintf(kind, sizeof(kind), "made.up.%d", i);
		fate_of(kind, TEST_CAPSULE);
	}
	cr_expect_eq(count_warnings(fileno(file), "unknown kind"), UNKNOWN_MAX_KINDS + 1);
	fclose(file);
}

Test(entry, keeps_the_id_in_the_event)
{
	char payload[512];
	char resp[1024];
	redisReply *reply;
	struct entry entry;

	event_text(payload, "capsule.create", TEST_CAPSULE, 1);
	snprintf(resp, sizeof(resp), "*2\r\n" ID "*2\r\n$7\r\npayload\r\n$%zu\r\n%s\r\n",
		 strlen(payload), payload);
	reply = reply_of(resp);
	cr_assert_eq(entry_read(reply, &entry), 0);
	cr_expect_eq(entry.event->id.ms, 1);
	cr_expect_eq(entry.event->id.seq, 2);
	event_free(entry.event);
	freeReplyObject(reply);
}

static const struct list_case {
	const char *resp;
	int rc;
	int elements; /* -1: no list */
} list_cases[] = {
	{ "*-1\r\n", 0, -1 },
	{ "$-1\r\n", 0, -1 },
	{ "*1\r\n*2\r\n$1\r\ns\r\n*0\r\n", 0, 0 },
	{ "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n:1\r\n", 0, 1 },
	{ "*0\r\n", -EBADMSG, 0 },
	{ "*1\r\n:1\r\n", -EBADMSG, 0 },
	{ "*1\r\n*1\r\n$1\r\ns\r\n", -EBADMSG, 0 },
	{ "*1\r\n*2\r\n$1\r\ns\r\n*-1\r\n", -EBADMSG, 0 },
	{ "*2\r\n*2\r\n$1\r\ns\r\n*0\r\n*2\r\n$1\r\nt\r\n*0\r\n", -EBADMSG, 0 },
	{ ":1\r\n", -EBADMSG, 0 },
	{ "+OK\r\n", -EBADMSG, 0 },
};

Test(entry, finds_the_list_or_says_that_there_is_none)
{
	for (size_t i = 0; i < ARRAY_LEN(list_cases); i++) {
		redisReply *reply = reply_of(list_cases[i].resp);
		const redisReply *list;

		cr_expect_eq(entry_list(reply, &list), list_cases[i].rc, "%s", list_cases[i].resp);
		if (list_cases[i].rc == 0)
			cr_expect_eq(list ? (int)list->elements : -1, list_cases[i].elements, "%s",
				     list_cases[i].resp);
		freeReplyObject(reply);
	}
}
