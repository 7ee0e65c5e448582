// SPDX-License-Identifier: Apache-2.0
// The npm package @microsoft/fetch-event-source. It is written for browsers: node lends it a window.
import { fetchEventSource } from "@microsoft/fetch-event-source/lib/cjs/index.js";
import { tell, whenTheTestEnds, wishes } from "./told.mjs";

globalThis.window = globalThis;
globalThis.document = { addEventListener() {}, removeEventListener() {} };

const stop = new AbortController();
fetchEventSource(wishes.url, {
	headers: { "X-API-Key": wishes.key },
	signal: stop.signal,
	openWhenHidden: true,
	onmessage: (message) => message.data && tell(message.event, message.id, message.data),
	// Without an exception it takes an orderly end of the stream as the end of its task.
	onclose: () => { throw new Error("the stream ended"); },
});
whenTheTestEnds(() => stop.abort());
