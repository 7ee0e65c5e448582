/* SPDX-License-Identifier: Apache-2.0 */

/* The endpoints of a team's expectations: /v1/expectations. */
#ifndef CHANNELS_EXPECTATIONS_H
#define CHANNELS_EXPECTATIONS_H

struct http_request;

void list_expectations(struct http_request *request, void *owner);
void store_expectation(struct http_request *request, void *owner);
void remove_expectation(struct http_request *request, void *owner);

#endif
