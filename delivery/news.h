/* SPDX-License-Identifier: Apache-2.0 */

/* News about a channel moves its queue to the phase where it is served. */
#ifndef DELIVERY_NEWS_H
#define DELIVERY_NEWS_H

struct delivery_engine;
struct uuid;

/* The channel has rows that are due. It gets a queue if there is a place. */
void news_rows(struct delivery_engine *engine, const struct uuid *channel);
/* Another worker may have stored rows of any channel, and ended before it could say so. Every queue
 * reads the store before it takes newer rows from memory. */
void news_unknown(struct delivery_engine *engine);
/* The channel's settings or rows were changed. Its queue, if there is one, reads them again. */
void news_change(struct delivery_engine *engine, const struct uuid *channel);

#endif
