// SPDX-License-Identifier: Apache-2.0
// Chromium's own EventSource, in a page of wishes.page, with a session's cookie instead of a key.
import { chromium } from "playwright-core";
import { tell, whenTheTestEnds, wishes } from "./told.mjs";

const browser = await chromium.launch({
	executablePath: wishes.browser,
	args: process.getuid() === 0 ? ["--no-sandbox"] : [],
});
whenTheTestEnds(() => browser.close());

const context = await browser.newContext();
for (const hostname of new Set(wishes.urls.map((url) => new URL(url).hostname))) {
	await context.addCookies(Object.entries(wishes.cookies).map(([name, value]) => ({ name, value, domain: hostname, path: "/" })));
}
const page = await context.newPage();
await page.exposeFunction("tell", tell);
await page.goto(wishes.page);
await page.evaluate(({ urls, kinds }) => {
	window.sources = urls.map((url, stream) => {
		const source = new EventSource(url, { withCredentials: true });
		for (const kind of ["connected", ...kinds]) {
			source.addEventListener(kind, (message) => window.tell(stream, kind, message.lastEventId, message.data));
		}
		return source;
	});
}, wishes);
