/* SPDX-License-Identifier: Apache-2.0 */

/* Stops a worker. */
#ifndef APP_STOP_H
#define APP_STOP_H

#include "app/worker.h"

/* Closes every open part in order. The loop then has no handles left and returns. Ends the process
 * after 15 s. */
void stop_begin(struct worker *w);

#endif
