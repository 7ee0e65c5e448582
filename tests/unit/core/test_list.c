/* SPDX-License-Identifier: Apache-2.0 */

/* The intrusive list: order, removing while walking, splicing. */
#include <criterion/criterion.h>

#include "core/list.h"

struct item {
	int number;
	struct list link;
};

static void expect_numbers(struct list *head, const int *numbers, size_t count)
{
	size_t at = 0;

	LIST_EACH (link, head) {
		cr_assert_lt(at, count);
		cr_expect_eq(list_item(link, struct item, link)->number, numbers[at], "at %zu", at);
		at++;
	}
	cr_expect_eq(at, count);
	for (struct list *link = head->prev; link != head; link = link->prev)
		cr_expect_eq(list_item(link, struct item, link)->number, numbers[--at], "back");
	cr_expect_eq(at, 0);
}

static void fill(struct list *head, struct item *items, int count)
{
	list_init(head);
	for (int i = 0; i < count; i++) {
		items[i].number = i;
		list_add_tail(head, &items[i].link);
	}
}

Test(list, keeps_the_order_of_both_ends)
{
	struct list head;
	struct item items[3];

	fill(&head, items, 2);
	items[2].number = 2;
	list_add_head(&head, &items[2].link);
	expect_numbers(&head, (const int[]){ 2, 0, 1 }, 3);
}

Test(list, forgets_a_removed_item_and_accepts_its_removal_again)
{
	struct list head;
	struct item items[3];

	fill(&head, items, 3);
	list_remove(&items[1].link);
	expect_numbers(&head, (const int[]){ 0, 2 }, 2);
	list_remove(&items[1].link);
	expect_numbers(&head, (const int[]){ 0, 2 }, 2);
	cr_expect(list_is_empty(&items[1].link));
	list_remove(&items[0].link);
	list_remove(&items[1].link); /* its former neighbour must not come back */
	expect_numbers(&head, (const int[]){ 2 }, 1);
	list_remove(&items[2].link);
	cr_expect(list_is_empty(&head));
}

Test(list, lets_the_body_remove_the_current_item)
{
	struct list head;
	struct item items[5];

	fill(&head, items, 5);
	LIST_EACH_SAFE (link, &head) {
		if (list_item(link, struct item, link)->number % 2 == 0)
			list_remove(link);
	}
	expect_numbers(&head, (const int[]){ 1, 3 }, 2);
}

Test(list, splices_everything_and_leaves_nothing)
{
	struct list to;
	struct list from;
	struct item first[2];
	struct item second[2];

	fill(&to, first, 2);
	fill(&from, second, 2);
	list_splice_tail(&to, &from);
	expect_numbers(&to, (const int[]){ 0, 1, 0, 1 }, 4);
	cr_expect(list_is_empty(&from));
	list_splice_tail(&to, &from);
	expect_numbers(&to, (const int[]){ 0, 1, 0, 1 }, 4);
	list_splice_tail(&from, &to);
	expect_numbers(&from, (const int[]){ 0, 1, 0, 1 }, 4);
	cr_expect(list_is_empty(&to));
}
