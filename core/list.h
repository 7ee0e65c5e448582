/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Doubly linked list whose links live inside the items, so that adding and removing allocates
 * nothing and cannot fail. A removed or fresh link points at itself, so list_remove() may be called
 * twice.
 */
#ifndef CORE_LIST_H
#define CORE_LIST_H

#include <stdbool.h>

#include "core/attributes.h"

struct list {
	struct list *next;
	struct list *prev;
};

#define list_item(link, type, member) container_of(link, type, member)

/* Walks the links; the body must not remove the current one. */
#define LIST_EACH(link, head) \
	for (struct list *link = (head)->next; link != (head); link = link->next)

/* Walks the links; the body may remove the current one, and no other. */
#define LIST_EACH_SAFE(link, head)                                                        \
	for (struct list *link = (head)->next, *link##_next = link->next; link != (head); \
	     link = link##_next, link##_next = link->next)

static inline void list_init(struct list *list)
{
	list->next = list;
	list->prev = list;
}

static inline bool list_is_empty(const struct list *list)
{
	return list->next == list;
}

static inline void list_add_between(struct list *link, struct list *prev, struct list *next)
{
	link->prev = prev;
	link->next = next;
	prev->next = link;
	next->prev = link;
}

static inline void list_add_head(struct list *head, struct list *link)
{
	list_add_between(link, head, head->next);
}

static inline void list_add_tail(struct list *head, struct list *link)
{
	list_add_between(link, head->prev, head);
}

static inline void list_remove(struct list *link)
{
	/* The analyzer cannot see that a link taken off a list is not found there again.
	 * NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
	link->prev->next = link->next;
	link->next->prev = link->prev;
	list_init(link);
}

/* Moves everything from `from` to the end of `to`. */
static inline void list_splice_tail(struct list *to, struct list *from)
{
	if (list_is_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}

#endif
