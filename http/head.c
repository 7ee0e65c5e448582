/* SPDX-License-Identifier: Apache-2.0 */

/*
 * llhttp over a complete head. It sees the whole of it at once, so every span it reports lies in
 * one piece, and it is paused before any body: bodies are read by http/message.c. All lenient modes
 * stay off.
 */
#include "http/head.h"

#include <errno.h>
#include <llhttp.h>

struct pass {
	const char *start;
	struct head *head;
	bool in_value;
	bool complete;
	int rc;
};

static int on_url(llhttp_t *parser, const char *at, size_t len)
{
	struct pass *pass = parser->data;

	pass->head->target_at = (uint16_t)(at - pass->start);
	pass->head->target_len = (uint16_t)len;
	return 0;
}

static int on_header_field(llhttp_t *parser, const char *at, size_t len)
{
	struct pass *pass = parser->data;
	struct head *head = pass->head;

	if (head->field_count == HEAD_MAX_FIELDS) {
		pass->rc = -E2BIG;
		return -1;
	}
	head->fields[head->field_count++] = (struct field){
		.name_at = (uint16_t)(at - pass->start),
		.name_len = (uint16_t)len,
	};
	pass->in_value = false;
	return 0;
}

/* llhttp may report a value it understands (Connection, for one) in several adjoining pieces. */
static int on_header_value(llhttp_t *parser, const char *at, size_t len)
{
	struct pass *pass = parser->data;
	struct field *field;

	if (pass->head->field_count == 0)
		return -1;
	field = &pass->head->fields[pass->head->field_count - 1];
	if (!pass->in_value)
		field->value_at = (uint16_t)(at - pass->start);
	field->value_len = (uint16_t)(at + len - pass->start - field->value_at);
	pass->in_value = true;
	return 0;
}

static int on_headers_complete(llhttp_t *parser)
{
	struct pass *pass = parser->data;
	struct head *head = pass->head;

	head->method = llhttp_method_name((llhttp_method_t)llhttp_get_method(parser));
	head->major = llhttp_get_http_major(parser);
	head->minor = llhttp_get_http_minor(parser);
	head->keep_alive = llhttp_should_keep_alive(parser) != 0;
	pass->complete = true;
	return HPE_PAUSED;
}

int head_parse(struct head *head, struct str text)
{
	static const llhttp_settings_t settings = {
		.on_url = on_url,
		.on_header_field = on_header_field,
		.on_header_value = on_header_value,
		.on_headers_complete = on_headers_complete,
	};
	struct pass pass = { .start = text.at, .head = head, .rc = -EINVAL };
	llhttp_t parser;

	if (text.len > UINT16_MAX)
		return -EINVAL;
	*head = (struct head){ .field_count = 0 };
	llhttp_init(&parser, HTTP_REQUEST, &settings);
	parser.data = &pass;
	(void)llhttp_execute(&parser, text.at, text.len);
	return pass.complete ? 0 : pass.rc;
}
