/* SPDX-License-Identifier: Apache-2.0 */

/* Something that is not quite Redis. */
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
	if (uv_write(request, (uv_stream_t *)&guest->pipe, &piece, 1, on_said) != 0)
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
	if (guest->is_here && !uv_is_closing((uv_handle_t *)&guest->pipe))
		uv_close((uv_handle_t *)&guest->pipe, on_gone);
}

static void on_heard(uv_stream_t *stream, ssize_t n, const uv_buf_t *piece)
{
	struct liar_guest *guest = stream->data;
	struct liar *liar = guest->liar;

	if (n < 0) {
		dismiss(guest);
		return;
	}
	/* The greeting's commands may come in several pieces; PING is its last. */
	if (!guest->greeted && n > 0 && !memmem(piece->base, (size_t)n, "PING", 4))
		return;
	if (!guest->greeted) {
		say(guest, liar->greeting);
	} else if (liar->then) {
		liar->answers++;
		say(guest, liar->then);
	}
	guest->greeted = true;
}

static struct liar_guest *find_seat(struct liar *liar)
{
	for (int i = 0; i < LIAR_GUESTS; i++) {
		if (!liar->guests[i].is_here)
			return &liar->guests[i];
	}
	abort(); /* too many guests: a fault of the test */
}

static void on_guest(uv_stream_t *listener, int status)
{
	struct liar *liar = listener->data;
	struct liar_guest *guest = find_seat(liar);

	cr_assert_eq(status, 0);
	guest->liar = liar;
	guest->greeted = false;
	guest->is_here = true;
	uv_pipe_init(listener->loop, &guest->pipe, 0);
	guest->pipe.data = guest;
	if (uv_accept(listener, (uv_stream_t *)&guest->pipe) != 0)
		dismiss(guest);
	else
		uv_read_start((uv_stream_t *)&guest->pipe, give_space, on_heard);
}

void liar_start(struct liar *liar, uv_loop_t *loop, const char *greeting, const char *then)
{
	static int count;

	*liar = (struct liar){ .greeting = greeting, .then = then };
	snprintf(liar->path, sizeof(liar->path), "%s/liar-%d-%d", getenv("TEST_DIR"), (int)getpid(),
		 count++);
	cr_assert_eq(uv_pipe_init(loop, &liar->listener, 0), 0);
	liar->listener.data = liar;
	cr_assert_eq(uv_pipe_bind(&liar->listener, liar->path), 0);
	cr_assert_eq(uv_listen((uv_stream_t *)&liar->listener, 8, on_guest), 0);
}

void liar_stop(struct liar *liar)
{
	uv_close((uv_handle_t *)&liar->listener, NULL);
	for (int i = 0; i < LIAR_GUESTS; i++)
		dismiss(&liar->guests[i]);
}
