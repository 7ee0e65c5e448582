/* SPDX-License-Identifier: Apache-2.0 */

/* Ends listeners and writes why to streams. */
#ifndef SSE_CLOSING_FRAME_H
#define SSE_CLOSING_FRAME_H

#include "sse/subscriber.h"

/* Ends every listener on sse->ending. Do not call it from within a pump. */
void closing_frame_run(struct sse *sse);

/* Sends the closing frame and closes. A stream whose socket is full has some seconds to take the
 * frame after what is half written. */
void closing_frame_end_stream(struct subscriber *sub);

/* The socket of a closing stream takes more. */
void closing_frame_continue(struct subscriber *sub);

/* For sse->closings. */
void on_closing_due(struct deadline *deadline, void *owner);

#endif
