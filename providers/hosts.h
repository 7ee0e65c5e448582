/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Hosts that speak a vendor's protocol and that the operator allows besides the vendor's own:
 * Mattermost and others for Slack's, government clouds. The lists are set once, before any thread
 * starts, and never change.
 */
#ifndef PROVIDERS_HOSTS_H
#define PROVIDERS_HOSTS_H

#include <stdbool.h>

#include "core/str.h"

/* `hosts` are separated by commas and must outlive the process's use of providers; NULL: none. */
void hosts_allow(const char *provider, const char *hosts);

bool host_is_allowed(const char *provider, struct str host);

#endif
