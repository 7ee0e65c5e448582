/* SPDX-License-Identifier: Apache-2.0 */

/* The pairs of a query string. */
#ifndef HTTP_QUERY_H
#define HTTP_QUERY_H

#include "core/attributes.h"
#include "core/reason.h"
#include "core/str.h"

/* Decodes %xx and '+' and calls on_pair for each pair in order. -EINVAL and *why for a bad escape,
 * invalid UTF-8, NUL or more than 64 pairs; else the first result of on_pair that is not 0. */
int http_query_each(struct str query,
		    int (*on_pair)(struct str name, struct str value, void *arg,
				   struct reason *why),
		    void *arg, struct reason *why) must_check;

#endif
