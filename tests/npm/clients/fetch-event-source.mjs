// SPDX-License-Identifier: Apache-2.0
// The npm package @microsoft/fetch-event-source. It is written for browsers: node lends it a window. With wishes.exact it
// is used as docs/live.md advises.
import { readFileSync } from "node:fs";
import { fetchEventSource } from "@microsoft/fetch-event-source/lib/cjs/index.js";
import { tell, whenTheTestEnds, wishes } from "./told.mjs";

globalThis.window = globalThis;
globalThis.document = { addEventListener() {}, removeEventListener() {} };

function followPlainly(url, headers, signal, onEvent) {
	return fetchEventSource(url, {
		headers,
		signal,
		openWhenHidden: true,
		onmessage: (message) => message.data && onEvent(message),
		// Without an exception it takes an orderly end of the stream as the end of its task.
		onclose: () => { throw new Error("the stream ended"); },
	});
}

function followAsAdvised() {
	const page = readFileSync(new URL("../../../docs/live.md", import.meta.url), "utf8");
	const [, snippet] = page.match(/<!-- snippet: fetch_event_source -->\n```js\nimport .*\n([^]*?)```/);
	return new Function("fetchEventSource", `${snippet}; return follow;`)(fetchEventSource);
}

const follow = wishes.exact ? followAsAdvised() : followPlainly;
const stop = new AbortController();
wishes.urls.forEach((url, stream) => {
	follow(url, wishes.key ? { "X-API-Key": wishes.key } : {}, stop.signal, (message) => tell(stream, message.event, message.id, message.data));
});
whenTheTestEnds(() => stop.abort());
