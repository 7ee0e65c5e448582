/* SPDX-License-Identifier: Apache-2.0 */

/* The parts of `doctor` that ask servers. */
#ifndef CLI_DOCTOR_CHECKS_H
#define CLI_DOCTOR_CHECKS_H

#include "cli/findings.h"
#include "config/config.h"

void doctor_check_redis(struct findings *findings, const struct config *config);
void doctor_check_store(struct findings *findings, const struct config *config);

#endif
