/* SPDX-License-Identifier: Apache-2.0 */

/* The end of a worker. */
#ifndef APP_STOP_H
#define APP_STOP_H

#include "app/worker.h"

/* Closes every part that is open, in order; the loop then has nothing left and returns. Ends the
 * process after 15 s. */
void stop_begin(struct worker *w);

#endif
