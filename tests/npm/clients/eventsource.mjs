// SPDX-License-Identifier: Apache-2.0
// The npm package eventsource: the standard's interface, with a fetch of ours that adds the key.
import { EventSource } from "eventsource";
import { tell, whenTheTestEnds, wishes } from "./told.mjs";

const source = new EventSource(wishes.url, {
	fetch: (url, init) => fetch(url, { ...init, headers: { ...init.headers, "X-API-Key": wishes.key } }),
});
for (const kind of ["connected", ...wishes.kinds]) {
	source.addEventListener(kind, (message) => tell(kind, message.lastEventId, message.data));
}
whenTheTestEnds(() => source.close());
