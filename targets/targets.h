/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The far end of a notification, and what we know about it. Nothing here sends.
 *
 *   guard.h         may we connect to this URL's host or to this address? (refuses private
 *                   ranges, and hosts that are numbers in odd spellings)
 *   origin.h        the operator's override of where a provider's requests go
 *   check.h         both, for all URLs of a config, before a channel is stored
 *   seal.h          a channel's settings at rest, encrypted value by value
 *   old_secrets.h   the secrets of a webhook before its last rotations, each for a time
 *   key_check.h     is the service's key the one that sealed the settings?
 *   pace.h          how fast we may send, and what an answer teaches us about it: pace.c for the
 *                   destination, vendors.c for the vendor and who pauses there, a team or everybody
 *
 * It promises that no request leaves for an address that nobody has judged, that secrets are wiped
 * after use, and that memory stays bounded however many teams and destinations there are.
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
