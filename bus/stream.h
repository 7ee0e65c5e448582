/* SPDX-License-Identifier: Apache-2.0 */

/* The names of contract section (a). Every reader and writer of the stream spells them this way. */
#ifndef BUS_STREAM_H
#define BUS_STREAM_H

#define BUS_STREAM       "wrenn:events"
#define BUS_DEAD_STREAM  "wrenn:events:dead"
#define BUS_CHANNEL      "wrenn:sse"
#define BUS_WAKE_CHANNEL "wrenn:events:wake" /* ours: a worker tells another */
#define BUS_STREAM_LIMIT "10000"             /* MAXLEN ~ of both streams */

/* Every leader reads the group under this one name, so its successor finds its pending entries. */
#define BUS_CONSUMER_NAME "ledger"

#endif
