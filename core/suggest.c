/* SPDX-License-Identifier: Apache-2.0 */

/* The distance is that of optimal string alignment: insert, delete, replace, exchange two
 * neighbours, each counted once. */
#include "core/suggest.h"

#include <stdbool.h>
#include <string.h>

#define MAX_WORD 40 /* longer words are not compared */

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static bool are_exchanged(const char *a, const char *b, size_t i, size_t j)
{
	return i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
}

/* Both words have at most MAX_WORD bytes. */
static size_t distance_of(const char *a, const char *b)
{
	size_t cost[MAX_WORD + 1][MAX_WORD + 1];
	size_t a_len = strlen(a);
	size_t b_len = strlen(b);

	for (size_t i = 0; i <= a_len; i++)
		cost[i][0] = i;
	for (size_t j = 0; j <= b_len; j++)
		cost[0][j] = j;
	for (size_t i = 1; i <= a_len; i++)
		for (size_t j = 1; j <= b_len; j++) {
			size_t replaced = cost[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

			cost[i][j] = least(replaced, least(cost[i - 1][j], cost[i][j - 1]) + 1);
			if (are_exchanged(a, b, i, j))
				cost[i][j] = least(cost[i][j], cost[i - 2][j - 2] + 1);
		}
	return cost[a_len][b_len];
}

void suggest_consider(struct suggestion *suggestion, const char *word)
{
	size_t typed_len = strlen(suggestion->typed);
	size_t most = typed_len < 6 ? 1 : typed_len / 3;
	size_t distance;

	if (typed_len < 2 || typed_len > MAX_WORD || strlen(word) > MAX_WORD)
		return;
	distance = distance_of(suggestion->typed, word);
	if (strncmp(suggestion->typed, word, typed_len) == 0)
		distance = least(distance, 1);
	if (distance > most || (suggestion->meant && suggestion->distance <= distance))
		return;
	suggestion->meant = word;
	suggestion->distance = distance;
}
