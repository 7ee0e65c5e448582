/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The far end of a notification, and what we know about it. Nothing here sends.
 *
 * It promises that no request leaves for an address that nobody has judged, that secrets are wiped
 * after use, and that memory stays bounded however many teams and destinations there are.
 *
 * Where it is decided:
 *
 *   guard.c        may we connect to this host or address? (no private ranges, no numbers in odd
 *                  spellings); how many names a team may look up at once, and for how long (5 s)
 *   check.c        which URLs of a config are judged before a channel is stored
 *   origin.c       where a provider's requests go instead, by the operator's override
 *
 * Secrets
 *   seal.c         how settings are encrypted at rest; one value that does not decrypt spoils all
 *   old_secrets.c  which earlier secrets of a webhook are still valid
 *   key_check.c    is the service's key the one that sealed the settings?
 *
 * Pace
 *   pace.c         how fast a destination gets messages; what a complaint or a success changes
 *   vendors.c      does a vendor's pause concern a team or everybody? Its requests a second; how
 *                  many refusals a team may cause
 *   pace_table.c   whose pace is forgotten when there are too many
 *   pace_news.c    what workers tell each other, and which lines are believed
 */
#ifndef TARGETS_TARGETS_H
#define TARGETS_TARGETS_H

#include "targets/check.h"
#include "targets/guard.h"
#include "targets/key_check.h"
#include "targets/old_secrets.h"
#include "targets/origin.h"
#include "targets/pace.h"
#include "targets/seal.h"

#endif
