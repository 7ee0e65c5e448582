// SPDX-License-Identifier: Apache-2.0
// The npm package eventsource: the standard's interface, with a fetch of ours that adds the key.
import { EventSource } from "eventsource";
import { tell, whenTheTestEnds, wishes } from "./told.mjs";

const withKey = wishes.key ? { "X-API-Key": wishes.key } : {};
const sources = wishes.urls.map((url, stream) => {
	const source = new EventSource(url, {
		fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, ...withKey } }),
	});
	for (const kind of ["connected", ...wishes.kinds]) {
		source.addEventListener(kind, (message) => tell(stream, kind, message.lastEventId, message.data));
	}
	return source;
});
whenTheTestEnds(() => sources.forEach((source) => source.close()));
