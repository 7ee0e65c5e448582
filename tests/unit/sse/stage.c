/* SPDX-License-Identifier: Apache-2.0 */

/* One thread plays all parts: it reads the clients after every turn of the loop. */
#include "tests/unit/sse/stage.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>

#include "core/clock.h"
#include "core/id.h"
#include "sse/recheck.h"
#include "tests/support/consume.h"

#define CLIENT_MAX_BYTES (64 * 1024 * 1024)

/* ---- parts ------------------------------------------------------------------------------- */

static void authenticate(struct http_request *request, enum http_access access, void *owner)
{
	const struct stage *stage = owner;
	struct identity *identity = http_request_identity(request);
	struct str team = http_request_header(request, "X-Test-Team");

	identity->credential = access == ACCESS_ADMIN ? CREDENTIAL_SESSION : CREDENTIAL_API_KEY;
	identity->has_team = access != ACCESS_ADMIN;
	identity->is_admin = access == ACCESS_ADMIN;
	memset(identity->credential_hash, '0', SHA256_HEX_SIZE - 1);
	if (stage->api_key_hash[0])
		memcpy(identity->credential_hash, stage->api_key_hash, SHA256_HEX_SIZE);
	if (access != ACCESS_ADMIN)
		cr_assert_eq(id_parse(ID_TEAM, team, &identity->team), 0);
	http_request_authenticated(request);
}

static void ignore(void *owner)
{
	(void)owner;
}

static void open_sources(struct stage *stage)
{
	const struct store_options store = {
		.loop = &stage->loop, .url = stage->database.url, .readers = 2, .request_readers = 2
	};
	const struct redis_options redis = {
		.loop = &stage->loop,
		.address = &stage->address,
		.name = "commands",
		.on_up = ignore,
		.on_down = ignore,
	};
	struct auth_options auth = { .api_keys_manage = true };

	cr_assert_eq(store_open(&store, &stage->store), 0);
	cr_assert_eq(redis_open(&redis, &stage->redis), 0);
	auth.store = stage->store;
	auth.redis = stage->redis;
	cr_assert_eq(auth_open(&auth, &stage->auth), 0);
}

static void open_server(struct stage *stage)
{
	const struct http_options options = {
		.loop = &stage->loop,
		.host = "127.0.0.1",
		.max_connections = 2000,
		.authenticate = authenticate,
		.authenticate_owner = stage,
	};
	struct reason why = { .text = "" };

	cr_assert_eq(http_server_open(&options, &stage->server, &why), 0, "%s", why.text);
	cr_assert_eq(sse_add_routes(stage->sse, stage->server), 0);
}

void stage_open(struct stage *stage, const struct sse_options *options)
{
	struct sse_options sse = *options;
	char url[160];

	*stage = (struct stage){ .closed = 0 };
	list_init(&stage->clients);
	cr_assert_eq(uv_loop_init(&stage->loop), 0);
	stage->database = database_make(DATABASE_SQLITE);
	redis_server_start(&stage->redis_server, NULL);
	snprintf(url, sizeof(url), "unix://%s", stage->redis_server.socket);
	cr_assert_eq(redis_address_parse(str_of(url), &stage->address, NULL), 0);
	open_sources(stage);
	sse.loop = &stage->loop;
	sse.store = stage->store;
	sse.redis = stage->redis;
	sse.auth = stage->auth;
	cr_assert_eq(sse_open(&sse, &stage->sse), 0);
	deadline_stop(&stage->sse->rechecks.next); /* stage_recheck() runs the rounds */
	open_server(stage);
	UNTIL(stage, redis_is_up(stage->redis) && store_is_up(stage->store));
}

void stage_recheck_round(struct stage *stage)
{
	stage->sse->rechecks.due_ms = uv_now(&stage->loop);
	on_recheck_due(&stage->sse->rechecks.next, stage->sse);
	deadline_stop(&stage->sse->rechecks.next);
}

void stage_recheck(struct stage *stage)
{
	for (size_t i = 0; i < RECHECK_ROUNDS; i++)
		stage_recheck_round(stage);
}

void stage_start(struct stage *stage, unsigned from)
{
	sse_on_start(from ? entry_id(from) : (struct stream_id){ 0, 0 }, stage->sse);
	sse_on_source(true, stage->sse);
	UNTIL(stage, !stage->sse->preload);
}

static void on_closed(void *owner)
{
	((struct stage *)owner)->closed++;
}

static void wait_closed(struct stage *stage)
{
	UNTIL(stage, stage->closed == 1);
	stage->closed = 0;
}

void stage_begin_close_sse(struct stage *stage)
{
	sse_close(stage->sse, on_closed, stage);
}

void stage_end_close_sse(struct stage *stage)
{
	wait_closed(stage);
	stage->sse = NULL;
}

void stage_close_sse(struct stage *stage)
{
	stage_begin_close_sse(stage);
	stage_end_close_sse(stage);
}

void stage_close(struct stage *stage)
{
	if (stage->sse)
		stage_close_sse(stage);
	http_server_close(stage->server, on_closed, stage);
	wait_closed(stage);
	auth_close(stage->auth);
	redis_close(stage->redis, on_closed, stage);
	wait_closed(stage);
	store_close(stage->store, on_closed, stage);
	wait_closed(stage);
	LIST_EACH_SAFE (link, &stage->clients)
		client_close(list_item(link, struct client, link));
	redis_server_stop(&stage->redis_server);
	redis_address_done(&stage->address);
	uv_run(&stage->loop, UV_RUN_DEFAULT);
	cr_assert_eq(uv_loop_close(&stage->loop), 0, "handles were left open");
}

/* ---- clients ----------------------------------------------------------------------------- */

/* Moves a whole chunk from `raw` to `text`. False when there is none yet. */
static bool decode_chunk(struct client *client)
{
	struct str raw = buf_str(&client->raw);
	const char *end = memmem(raw.at, raw.len, "\r\n", 2);
	size_t head_len;
	size_t len;

	if (!end)
		return false;
	head_len = (size_t)(end - raw.at) + 2;
	len = strtoul(raw.at, NULL, 16);
	if (raw.len < head_len + len + 2)
		return false;
	cr_assert_eq(memcmp(raw.at + head_len + len, "\r\n", 2), 0, "a chunk without its end");
	if (len == 0)
		client->ended = true;
	buf_add(&client->text, raw.at + head_len, len);
	buf_consume(&client->raw, head_len + len + 2);
	return true;
}

static void decode(struct client *client)
{
	struct str raw = buf_str(&client->raw);
	const char *end = memmem(raw.at, raw.len, "\r\n\r\n", 4);

	if (!client->status && end) {
		size_t len = (size_t)(end - raw.at) + 4;

		buf_add(&client->head, raw.at, len);
		buf_consume(&client->raw, len);
		client->status = (int)strtol(client->head.bytes + 9, NULL, 10);
	}
	if (!client->status)
		return;
	if (memmem(client->head.bytes, client->head.len, "chunked", 7)) {
		while (decode_chunk(client))
			;
		return;
	}
	buf_add_str(&client->text, buf_str(&client->raw));
	buf_reset(&client->raw);
}

static void client_read(struct client *client)
{
	char bytes[65536];
	ssize_t n;

	if (client->paused || client->broken)
		return;
	while ((n = recv(client->fd, bytes, sizeof(bytes), 0)) > 0)
		buf_add(&client->raw, bytes, (size_t)n);
	if (n == 0 || errno != EAGAIN)
		client->broken = true;
	cr_assert_eq(client->raw.err, 0);
	decode(client);
}

void stage_turn(struct stage *stage)
{
	run_turns(&stage->loop, 1);
	LIST_EACH (link, &stage->clients)
		client_read(list_item(link, struct client, link));
}

void stage_rest(struct stage *stage)
{
	for (int i = 0; i < 20; i++)
		stage_turn(stage);
}

static int connect_to(const struct stage *stage)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(http_server_port(stage->server)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int small = 4096;

	cr_assert_geq(fd, 0);
	/* A small buffer, so that a client that does not read blocks soon. */
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	cr_assert_eq(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static struct client *open_as(struct stage *stage, const char *version, const char *team,
			      const char *path, const char *headers)
{
	struct client *client = calloc(1, sizeof(*client));
	char request[2048];
	int len = snprintf(request, sizeof(request),
			   "GET %s %s\r\nHost: x\r\nX-Test-Team: %s\r\n%s\r\n", path, version,
			   team ? team : "none", headers);

	cr_assert(client);
	client->stage = stage;
	client->fd = connect_to(stage);
	buf_init(&client->raw, CLIENT_MAX_BYTES);
	buf_init(&client->head, 65536);
	buf_init(&client->text, CLIENT_MAX_BYTES);
	list_add_tail(&stage->clients, &client->link);
	cr_assert_eq(send(client->fd, request, (size_t)len, 0), len);
	return client;
}

struct client *client_open(struct stage *stage, const char *team, const char *path,
			   const char *headers)
{
	return open_as(stage, "HTTP/1.1", team, path, headers);
}

struct client *client_open_plain(struct stage *stage, const char *team, const char *path)
{
	return open_as(stage, "HTTP/1.0", team, path, "");
}

void client_expect_turned_away(struct client *client, const char *reason)
{
	UNTIL(client->stage, client_frames(client) == 1);
	cr_expect_eq(client->status, 200);
	cr_expect(memmem(client->head.bytes, client->head.len, "\r\nContent-Length: ", 18),
		  "it ends at once");
	cr_expect(client_frame(client, 0).retry.at);
	cr_expect(client_has(client, reason), "%.*s", STR_ARGS(buf_str(&client->text)));
}

struct client *client_listen(struct stage *stage, const char *team, const char *path)
{
	struct client *client = client_open(stage, team, path, "");

	UNTIL(stage, client_frames(client) > 0 || client->broken);
	cr_assert_eq(client->status, 200, "%.*s", STR_ARGS(buf_str(&client->text)));
	return client;
}

void client_close(struct client *client)
{
	list_remove(&client->link);
	close(client->fd);
	buf_done(&client->raw);
	buf_done(&client->head);
	buf_done(&client->text);
	free(client);
}

void client_squeeze(struct client *client)
{
	struct sockaddr_in own;
	struct sockaddr_in peer;
	socklen_t len = sizeof(own);
	int small = 4096;

	cr_assert_eq(getsockname(client->fd, (struct sockaddr *)&own, &len), 0);
	for (int fd = 3; fd < 4096; fd++) {
		len = sizeof(peer);
		if (getpeername(fd, (struct sockaddr *)&peer, &len) == 0 &&
		    peer.sin_family == AF_INET && peer.sin_port == own.sin_port) {
			setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
			return;
		}
	}
	cr_assert_fail("the server has no such connection");
}

/* ---- what they heard ---------------------------------------------------------------------- */

static bool next_frame(struct str *rest, struct str *frame)
{
	const char *end = rest->len ? memmem(rest->at, rest->len, "\n\n", 2) : NULL;

	if (!end)
		return false;
	*frame = (struct str){ .at = rest->at, .len = (size_t)(end - rest->at) };
	*rest = str_from(*rest, frame->len + 2);
	return true;
}

size_t client_frames(const struct client *client)
{
	struct str rest = buf_str(&client->text);
	struct str frame;
	size_t count = 0;

	while (next_frame(&rest, &frame))
		count++;
	return count;
}

static void read_line(struct heard *heard, struct str line)
{
	if (str_starts(line, STR("id: ")))
		heard->id = str_from(line, 4);
	else if (str_starts(line, STR("event: ")))
		heard->event = str_from(line, 7);
	else if (str_starts(line, STR("data: ")))
		heard->data = str_from(line, 6);
	else if (str_starts(line, STR("retry: ")))
		heard->retry = str_from(line, 7);
	else
		cr_assert(str_starts(line, STR(": ")), "odd line \"%.*s\"", STR_ARGS(line));
}

struct heard client_frame(const struct client *client, size_t index)
{
	struct str rest = buf_str(&client->text);
	struct heard heard = { .all = { .at = NULL } };

	for (size_t i = 0; i <= index; i++)
		cr_assert(next_frame(&rest, &heard.all), "there is no frame %zu", index);
	rest = heard.all;
	while (rest.at)
		read_line(&heard, str_cut(&rest, '\n'));
	return heard;
}

const char *client_entries(const struct client *client)
{
	static char *out;
	struct buf text;
	struct str rest = buf_str(&client->text);
	struct str frame;

	buf_init(&text, CLIENT_MAX_BYTES);
	for (size_t i = 0; next_frame(&rest, &frame); i++) {
		struct heard heard = { .all = frame };
		struct str lines = frame;
		struct stream_id id;

		while (lines.at)
			read_line(&heard, str_cut(&lines, '\n'));
		if (!heard.data.at || str_is(heard.event, "connected"))
			continue;
		if (!heard.id.at) {
			buf_add_text(&text, "- ");
			continue;
		}
		cr_assert_eq(stream_id_parse(heard.id, &id), 0);
		buf_addf(&text, "%d ", (int)(id.ms - FIRST_MS));
	}
	free(out);
	out = strdup(buf_text(&text));
	buf_done(&text);
	return out;
}

const char *numbers(unsigned from, unsigned to)
{
	static char *out;
	struct buf text;

	buf_init(&text, CLIENT_MAX_BYTES);
	for (unsigned i = from; i <= to; i++)
		buf_addf(&text, "%u ", i);
	free(out);
	out = strdup(buf_text(&text));
	buf_done(&text);
	return out;
}

bool client_has(const struct client *client, const char *text)
{
	return client->text.len && memmem(client->text.bytes, client->text.len, text, strlen(text));
}

/* ---- entries ------------------------------------------------------------------------------ */

struct stream_id entry_id(uint64_t n)
{
	return (struct stream_id){ .ms = FIRST_MS + n };
}

const char *event_json(const char *kind, const char *team, const char *resource, const char *more)
{
	static char json[70000];

	snprintf(json, sizeof(json),
		 "{\"event\":\"%s\",\"timestamp\":\"2026-05-24T05:02:08Z\",\"team_id\":\"%s\","
		 "\"actor\":{\"type\":\"system\"},\"resource\":{\"id\":\"%s\",\"type\":\"sandbox\"}"
		 "%s}",
		 kind, team, resource, more);
	return json;
}

void entry_add(struct stage *stage, uint64_t n, const char *json)
{
	char id[STREAM_ID_TEXT_SIZE];

	stream_id_format(entry_id(n), id);
	redis_server_do(&stage->redis_server, "XADD wrenn:events %s payload %s", id, json);
}

static struct event *parse(struct stream_id id, const char *json)
{
	struct reason why = { .text = "" };
	struct event *event;

	cr_assert_eq(event_parse(str_of(json), id, &event, &why), 0, "%s: %s", json, why.text);
	return event;
}

void entry_show(struct stage *stage, uint64_t n, const char *json)
{
	struct event *event = parse(entry_id(n), json);

	sse_on_event(event, stage->sse);
	event_free(event);
}

void entry_show_transient(struct stage *stage, const char *json)
{
	struct event *event = parse((struct stream_id){ 0, 0 }, json);

	sse_on_transient(event, stage->sse);
	event_free(event);
}

void batch_end(struct stage *stage, uint64_t n)
{
	sse_on_batch_end(entry_id(n), stage->sse);
}

void entry_publish(struct stage *stage, uint64_t n, const char *json)
{
	entry_add(stage, n, json);
	entry_show(stage, n, json);
	batch_end(stage, n);
}

/* ---- the rest ------------------------------------------------------------------------------ */

void capsule_add(struct stage *stage, const char *capsule, const char *team, const char *status)
{
	char capsule_text[UUID_TEXT_SIZE];
	char team_text[UUID_TEXT_SIZE];
	struct uuid id;
	char sql[1024];

	cr_assert_eq(id_parse(ID_CAPSULE, str_of(capsule), &id), 0);
	uuid_format(&id, capsule_text);
	cr_assert_eq(id_parse(ID_TEAM, str_of(team), &id), 0);
	uuid_format(&id, team_text);
	snprintf(sql, sizeof(sql),
		 "INSERT INTO teams (id, name, slug) VALUES ('%s', 't', '%s')"
		 " ON CONFLICT DO NOTHING",
		 team_text, team_text);
	database_ask(&stage->database, sql);
	snprintf(sql, sizeof(sql),
		 "INSERT INTO sandboxes (id, team_id, host_id, template, status, vcpus, memory_mb,"
		 " timeout_sec, guest_ip, metadata, created_at, started_at, last_updated) VALUES"
		 " ('%s', '%s', '%s', 'minimal', '%s', 2, 2048, 600, '10.0.0.7', '{\"a\": \"b\"}',"
		 " '2026-05-24T04:40:00.500000Z', '2026-05-24T04:41:00.000000Z',"
		 " '2026-05-24T05:02:08.000000Z')",
		 capsule_text, team_text, team_text, status);
	database_ask(&stage->database, sql);
}

struct subscriber *only_listener(struct stage *stage, const char *team)
{
	struct uuid id;
	struct topic *topic;
	struct list *lists[2];

	cr_assert_eq(id_parse(ID_TEAM, str_of(team), &id), 0);
	topic = history_topic(&stage->sse->history, &id);
	cr_assert_eq(topic->streams, 1);
	lists[0] = &topic->front_line;
	lists[1] = &topic->others;
	return list_item(list_is_empty(lists[0]) ? lists[1]->next : lists[0]->next,
			 struct subscriber, link);
}
