/* SPDX-License-Identifier: Apache-2.0 */

/* A server that is not quite Redis. */
#include "tests/support/liar.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void on_said(uv_write_t *request, int status)
{
	(void)status;
	free(request);
}

static void say(struct liar_guest *guest, const char *text)
{
	uv_write_t *request = calloc(1, sizeof(*request));
	uv_buf_t piece = uv_buf_init((char *)(uintptr_t)text, (unsigned)strlen(text));

	cr_assert(request);
	if (uv_write(request, &guest->socket.stream, &piece, 1, on_said) != 0)
		free(request);
}

static void give_space(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
	struct liar_guest *guest = handle->data;

	(void)suggested;
	*out = uv_buf_init(guest->liar->space, sizeof(guest->liar->space));
}

static void on_gone(uv_handle_t *handle)
{
	((struct liar_guest *)handle->data)->is_here = false;
}

static void dismiss(struct liar_guest *guest)
{
	if (guest->is_here && !uv_is_closing(&guest->socket.handle))
		uv_close(&guest->socket.handle, on_gone);
}

static const char *find_answer(struct liar *liar, const uv_buf_t *words, size_t n)
{
	for (struct liar_lie *lie = liar->lies; lie && lie->to; lie++) {
		if (!memmem(words->base, n, lie->to, strlen(lie->to)))
			continue;
		lie->told++;
		return lie->answer;
	}
	return liar->then;
}

static void on_heard(uv_stream_t *stream, ssize_t n, const uv_buf_t *piece)
{
	struct liar_guest *guest = stream->data;
	struct liar *liar = guest->liar;
	const char *answer;

	if (n < 0) {
		dismiss(guest);
		return;
	}
	/* The greeting's commands may arrive in several pieces; PING is the last. */
	if (!guest->greeted && n > 0 && !memmem(piece->base, (size_t)n, "PING", 4))
		return;
	if (!guest->greeted) {
		say(guest, liar->greeting);
	} else if ((answer = find_answer(liar, piece, (size_t)n))) {
		liar->answers++;
		say(guest, answer);
	}
	guest->greeted = true;
}

static struct liar_guest *find_seat(struct liar *liar)
{
	for (int i = 0; i < LIAR_GUESTS; i++) {
		if (!liar->guests[i].is_here)
			return &liar->guests[i];
	}
	abort(); /* too many clients: the test is wrong */
}

static void on_guest(uv_stream_t *listener, int status)
{
	struct liar *liar = listener->data;
	struct liar_guest *guest = find_seat(liar);

	cr_assert_eq(status, 0);
	guest->liar = liar;
	guest->greeted = false;
	guest->is_here = true;
	if (liar->port)
		uv_tcp_init(listener->loop, &guest->socket.tcp);
	else
		uv_pipe_init(listener->loop, &guest->socket.pipe, 0);
	guest->socket.handle.data = guest;
	if (uv_accept(listener, &guest->socket.stream) != 0)
		dismiss(guest);
	else
		uv_read_start(&guest->socket.stream, give_space, on_heard);
}

static void listen_for_guests(struct liar *liar)
{
	liar->listener.handle.data = liar;
	cr_assert_eq(uv_listen(&liar->listener.stream, 8, on_guest), 0);
}

void liar_start(struct liar *liar, uv_loop_t *loop, const char *greeting, const char *then)
{
	static int count;

	*liar = (struct liar){ .greeting = greeting, .then = then };
	snprintf(liar->path, sizeof(liar->path), "%s/liar-%d-%d", getenv("TEST_DIR"), (int)getpid(),
		 count++);
	cr_assert_eq(uv_pipe_init(loop, &liar->listener.pipe, 0), 0);
	cr_assert_eq(uv_pipe_bind(&liar->listener.pipe, liar->path), 0);
	listen_for_guests(liar);
}

void liar_start_on_port(struct liar *liar, uv_loop_t *loop, const char *greeting, const char *then)
{
	struct sockaddr_in address;
	int len = sizeof(address);

	*liar = (struct liar){ .greeting = greeting, .then = then };
	cr_assert_eq(uv_tcp_init(loop, &liar->listener.tcp), 0);
	cr_assert_eq(uv_ip4_addr("127.0.0.1", 0, &address), 0);
	cr_assert_eq(uv_tcp_bind(&liar->listener.tcp, (struct sockaddr *)&address, 0), 0);
	cr_assert_eq(uv_tcp_getsockname(&liar->listener.tcp, (struct sockaddr *)&address, &len), 0);
	liar->port = ntohs(address.sin_port);
	listen_for_guests(liar);
}

void liar_stop(struct liar *liar)
{
	uv_close(&liar->listener.handle, NULL);
	for (int i = 0; i < LIAR_GUESTS; i++)
		dismiss(&liar->guests[i]);
}
