/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Matrix rooms by the client-server API. A message is PUT under the delivery's id, so that the
 * homeserver itself drops repeats; a message sent again on request gets another id. A room given by
 * its alias is looked up first: the request is then a GET, and the verdict on its answer is the
 * room id. `m.mentions` is empty, and in the formatted text every value is code, where clients look
 * for no addresses.
 */
#include <ctype.h>
#include <errno.h>

#include "providers/builtin.h"
#include "providers/card_make.h"
#include "providers/chat.h"
#include "providers/matrix.h"

#define CONTENT_LIMIT 40000 /* bytes of ours in an event of 65,536 */
/* An edit has its content twice, and names an event. */
#define LIFE_LIMIT ((CONTENT_LIMIT - 1000) / 2)
/* The default of the usual homeserver, less a margin for the jitter on the way. */
#define TOKEN_INTERVAL_US 5250000
#define TOKEN_BURST       10

/* ---- settings --------------------------------------------------------------------------- */

static struct str base_of(const struct provider_config *config)
{
	struct str base = config_value(config, "homeserver_url");

	while (base.len && base.at[base.len - 1] == '/')
		base.len--;
	return base;
}

static bool holds(struct str text, const char *part)
{
	return memmem(text.at, text.len, part, strlen(part)) != NULL;
}

static bool is_link_for_people(struct str text)
{
	return holds(text, "matrix.to/") || holds(text, "app.element.io");
}

static const char *base_fault(struct str base)
{
	struct url_parts parts;
	const char *fault;

	if (is_link_for_people(base))
		return "is a link for people, not the homeserver's address: paste the server's own "
		       "URL";
	fault = url_fault(base, &parts);
	if (fault)
		return fault;
	if (holds(parts.path, "/_matrix"))
		return "has a path of the API in it, and the path below /_matrix is added by us: "
		       "remove /_matrix and everything after it";
	if (holds(parts.path, "/_synapse") || holds(parts.path, "/.well-known"))
		return "has a path of another API in it: remove /_synapse or /.well-known and "
		       "everything after it";
	/* Refuses any '?': an empty query looks like none. */
	return memchr(base.at, '?', base.len) ? "has parameters after ?" : NULL;
}

static bool is_base_url(struct str base)
{
	struct url_parts parts;

	return url_split(base, &parts) && !memchr(base.at, '?', base.len);
}

/* Printable ASCII without a space, which a header carries unchanged. */
static bool is_token(struct str token)
{
	for (size_t i = 0; i < token.len; i++) {
		if (token.at[i] <= ' ' || token.at[i] > '~')
			return false;
	}
	return token.len > 0;
}

bool matrix_is_room_id(struct str room)
{
	return room.len > 1 && room.len <= MATRIX_ROOM_MAX && room.at[0] == '!' &&
	       !memchr(room.at, '\0', room.len);
}

static bool is_alias(struct str room)
{
	struct str server = room;
	struct str name = str_cut(&server, ':');

	return room.len <= MATRIX_ROOM_MAX && str_starts(room, STR("#")) && name.len > 1 &&
	       server.len > 0 && !memchr(room.at, '\0', room.len);
}

static const char *room_fault(struct str room)
{
	if (is_link_for_people(room))
		return "is a link: paste what follows /#/ in it";
	if (str_starts(room, STR("@")))
		return "names a user, not a room";
	if (holds(room, "?via=") || holds(room, "/$"))
		return "contains part of a link: remove /$ or ?via= and everything after it";
	if (str_starts(room, STR("%23")) || str_starts(room, STR("%21")))
		return "is written as in a link: write # for %23, ! for %21 and : for %3A";
	return matrix_is_room_id(room) || is_alias(room)
		       ? NULL
		       : "is neither a room's id (!...) nor its alias (#name:server)";
}

static int matrix_check(const struct provider_config *config, struct reason *why)
{
	int rc = config_check_fields(config, matrix_provider.fields, why);
	const char *fault;

	if (rc)
		return rc;
	fault = base_fault(base_of(config));
	if (fault)
		return config_refuse(why, "homeserver_url", fault, "https://matrix.example.org");
	if (!is_token(config_value(config, "access_token")))
		return config_refuse(why, "access_token",
				     "has a space or another character that no token has",
				     "syt_Ym90_aBcDeFgHiJ_0k1l2m");
	fault = room_fault(config_value(config, "room_id"));
	return fault ? config_refuse(why, "room_id", fault, "!AbCdEfGh:example.org") : 0;
}

/* True when a request can be built from the settings, however they came into the store. */
static bool is_usable(const struct provider_config *config)
{
	struct str room = config_value(config, "room_id");

	return is_base_url(base_of(config)) && is_token(config_value(config, "access_token")) &&
	       (matrix_is_room_id(room) || is_alias(room));
}

static size_t matrix_paces(const struct provider_config *config,
			   struct pace out[PROVIDER_MAX_PACES])
{
	struct str token = config_value(config, "access_token");

	if (!is_token(token))
		return 0;
	out[0] = chat_pace("matrix token", token, STR(""), TOKEN_BURST, TOKEN_INTERVAL_US);
	return 1;
}

/* ---- content ---------------------------------------------------------------------------- */

static void add_item(struct buf *html, const struct text_rule *rule, const struct card_field *field)
{
	buf_add_text(html, "<li>");
	if (field->label)
		buf_addf(html, "<b>%s:</b> ", field->label);
	buf_add_text(html, "<code>");
	text_add(html, rule, field->what, field->value, SIZE_MAX);
	buf_add_text(html, "</code></li>");
}

static void write_html(struct buf *html, const struct card *card, const struct text_rule *rule)
{
	static const char *const colors[] = {
		[TONE_GOOD] = "#2da44e",
		[TONE_BAD] = "#d73a49",
	};

	buf_add_text(html, "<h4>");
	if (card->tone != TONE_NEUTRAL)
		buf_addf(html, "<span data-mx-color=\"%s\">", colors[card->tone]);
	card_write_html_title(html, card, rule, "", "");
	buf_add_text(html, card->tone != TONE_NEUTRAL ? "</span></h4><ul>" : "</h4><ul>");
	for (size_t i = 0; i < card->line_count; i++) {
		const struct card_field line = { .what = "line", .value = card->lines[i] };

		add_item(html, rule, &line);
	}
	for (size_t i = 0; i < card->field_count; i++)
		add_item(html, rule, &card->fields[i]);
	buf_add_text(html, "</ul>");
	if (card->footer.len) {
		buf_add_text(html, "<p><code>");
		text_add_escaped(html, text_escape_html, card->footer);
		buf_add_text(html, "</code></p>");
	}
	if (card->link.len) {
		buf_add_text(html, "<p><a href=\"");
		text_add_escaped(html, text_escape_html, card->link);
		buf_add_text(html, "\">Open</a></p>");
	}
}

static void add_text(struct buf *body, const char *name, struct buf *text)
{
	if (text->err && !body->err)
		body->err = text->err;
	json_add_member(body, name, buf_str(text));
	buf_reset(text);
}

/* Clients notify people of a text, and show a notice in silence. */
static void draw_plain(struct buf *body, const struct card *card, const struct text_rule *rule)
{
	struct text_rule unlinked = *rule;
	struct buf text;

	unlinked.escape = chat_escape_unlinked;
	buf_init(&text, OUTGOING_MAX_BODY);
	card_write_text(&text, card, &unlinked);
	buf_addf(body, "{\"msgtype\":\"%s\",\"m.mentions\":{}",
		 card->tone == TONE_BAD ? "m.text" : "m.notice");
	add_text(body, "body", &text);
	buf_add_char(body, '}');
	buf_done(&text);
}

static void draw_rich(struct buf *body, const struct card *card, const struct text_rule *rule)
{
	struct text_rule unrecorded = *rule;
	struct buf html;

	/* The same cuts as in the formatted text, which records them. */
	unrecorded.trims = NULL;
	draw_plain(body, card, &unrecorded);
	if (body->err)
		return;
	body->len--; /* the closing brace */
	buf_init(&html, OUTGOING_MAX_BODY);
	write_html(&html, card, rule);
	buf_add_text(body, ",\"format\":\"org.matrix.custom.html\"");
	add_text(body, "formatted_body", &html);
	buf_add_char(body, '}');
	buf_done(&html);
}

static bool is_edit(const struct message *message)
{
	return message->life && message->life->replaces.len > 0;
}

/* Makes an edit of a message. Clients without edits show the text as a new message. */
static int replace(struct buf *body, struct str event_id)
{
	struct buf content;
	int rc;

	buf_init(&content, OUTGOING_MAX_BODY);
	buf_add_str(&content, buf_str(body));
	body->len--; /* the closing brace */
	buf_add_text(body, ",\"m.new_content\":");
	buf_add_str(body, buf_str(&content));
	buf_add_text(body, ",\"m.relates_to\":{\"rel_type\":\"m.replace\"");
	json_add_member(body, "event_id", event_id);
	buf_add_text(body, "}}");
	rc = content.err ? content.err : body->err;
	buf_done(&content);
	return rc;
}

static int write_content(struct buf *body, const struct message *message)
{
	bool is_plain = message->form == FORM_PLAIN;
	const struct card_sketch sketch = { .draw = is_plain ? draw_plain : draw_rich,
					    .size = chat_size_bytes,
					    .limit = message->life ? LIFE_LIMIT : CONTENT_LIMIT };
	const struct text_rule rule = {
		.unit = UNIT_BYTES,
		.counts_escaped = true,
		.escape = text_escape_html,
		.cap = SIZE_MAX,
		.trims = message->trims,
	};
	struct card card;
	int rc = card_make(&card, message);

	if (rc == 0)
		rc = card_fit(body, &card, &rule, &sketch);
	card_done(&card);
	if (rc == 0 && is_edit(message))
		rc = replace(body, message->life->replaces);
	return rc;
}

/* ---- the request ------------------------------------------------------------------------ */

static void add_encoded(struct buf *out, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.at[i];

		if (c < 0x80 && (isalnum(c) || (c && strchr("-._~", c))))
			buf_add_char(out, text.at[i]);
		else
			buf_addf(out, "%%%02X", (unsigned)c);
	}
}

static void ask_for_room(struct outgoing *out, struct str alias)
{
	out->method = "GET";
	buf_add_text(&out->url, "/_matrix/client/v3/directory/room/");
	add_encoded(&out->url, alias);
}

static void add_room(struct outgoing *out, struct str room)
{
	buf_add_text(&out->url, "/_matrix/client/v3/rooms/");
	add_encoded(&out->url, room);
}

static int put_message(struct outgoing *out, struct str room, const struct message *message,
		       const struct attempt *attempt)
{
	out->method = "PUT";
	add_room(out, room);
	buf_add_text(&out->url, "/send/m.room.message/");
	add_encoded(&out->url, attempt->delivery_id);
	/* A message that is sent again on request must appear again. */
	if (attempt->before > 0)
		buf_addf(&out->url, ".%u", attempt->before);
	/* The message that is posted when this one is gone is another event. */
	if (is_edit(message))
		buf_add_text(&out->url, ".edit");
	outgoing_header(out, "Content-Type", STR("application/json"));
	return write_content(&out->body, message);
}

static void ask_for_event(struct outgoing *out, struct str room, struct str event_id)
{
	out->method = "GET";
	add_room(out, room);
	buf_add_text(&out->url, "/event/");
	add_encoded(&out->url, event_id);
}

static int add_headers(struct outgoing *out, const struct provider_config *config,
		       const struct attempt *attempt)
{
	struct buf bearer;
	int rc;

	buf_init(&bearer, CONFIG_MAX_VALUE + sizeof("Bearer "));
	buf_add_text(&bearer, "Bearer ");
	buf_add_str(&bearer, config_value(config, "access_token"));
	outgoing_header(out, "Authorization", buf_str(&bearer));
	outgoing_header(out, "User-Agent", str_of(attempt->user_agent));
	rc = bearer.err ? bearer.err : outgoing_error(out);
	if (bearer.bytes)
		explicit_bzero(bearer.bytes, bearer.cap);
	buf_done(&bearer);
	return rc;
}

static int matrix_build(const struct message *message, const struct provider_config *config,
			const struct attempt *attempt, struct outgoing *out)
{
	struct str room = config_value(config, "room_id");
	int rc = 0;

	if (!is_usable(config) || attempt->delivery_id.len == 0)
		return -EINVAL;
	buf_add_str(&out->url, base_of(config));
	if (is_alias(room))
		ask_for_room(out, room);
	else
		rc = put_message(out, room, message, attempt);
	return rc ? rc : add_headers(out, config, attempt);
}

int matrix_ask(const struct message *message, const struct provider_config *config,
	       const struct attempt *attempt, struct outgoing *out)
{
	struct str room = config_value(config, "room_id");

	if (!is_usable(config) || !is_edit(message))
		return -EINVAL;
	buf_add_str(&out->url, base_of(config));
	if (is_alias(room))
		ask_for_room(out, room);
	else
		ask_for_event(out, room, message->life->replaces);
	return add_headers(out, config, attempt);
}

static struct measure matrix_measure(const struct outgoing *request)
{
	return (struct measure){ "UTF-8 bytes", request->body.len, CONTENT_LIMIT };
}

const struct provider matrix_provider = {
	.name = "matrix",
	.title = "Matrix",
	.fields = {
		{ .name = "homeserver_url",
		  .need = FIELD_REQUIRED,
		  .use = FIELD_TARGET,
		  .example = "https://matrix.example.com" },
		{ .name = "access_token",
		  .need = FIELD_REQUIRED,
		  .use = FIELD_PLAIN,
		  .example = "example" },
		{ .name = "room_id",
		  .need = FIELD_REQUIRED,
		  .use = FIELD_PLAIN,
		  .example = "!example:example.com" },
	},
	.folds = true,
	.check = matrix_check,
	.build = matrix_build,
	.judge = matrix_judge,
	.paces = matrix_paces,
	.measure = matrix_measure,
	.edit = &matrix_edit,
};
