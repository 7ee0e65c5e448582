/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Decides whether an outgoing request failed because our own process ran out of descriptors or
 * memory. Such a failure says nothing about the destination. Part of net/outbound.c.
 */
#ifndef NET_OUTBOUND_SHORTAGE_H
#define NET_OUTBOUND_SHORTAGE_H

#include <curl/curl.h>
#include <stdbool.h>

#include "net/outbound_guard.h"

/* `result` is not CURLE_OK, and `guard` watched the transfer. */
bool outbound_is_our_shortage(CURLcode result, const struct outbound_guard *guard);

#endif
