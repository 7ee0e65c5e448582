// SPDX-License-Identifier: Apache-2.0
// What tools/bench_console.py wants to know of the live page. run.mjs runs it. It prints a line of JSON for the first events, then one
// for the load, which begins after the first line.
import { go, open, until, walk, wishes } from "./browser.mjs";

const OPENINGS = 7;
const WARM_UP_MS = 12_000; // until the list is full

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const at = (values, share) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))];
const rounded = (value) => Math.round(value * 10) / 10;

/** Runs in the page: remembers when the first event was painted. */
function watchForEvent() {
	new MutationObserver((_, observer) => {
		if (!document.querySelector(".feed-row")) return;
		observer.disconnect();
		requestAnimationFrame(() => setTimeout(() => (window.firstEvent = performance.now())));
	}).observe(document, { childList: true, subtree: true });
}

/** Milliseconds from the navigation until the frame that shows the first event, with an empty cache. */
async function firstEventMs() {
	const page = await open({ first: watchForEvent, alone: true });
	await page.waitForFunction(() => window.firstEvent);
	const ms = await page.evaluate(() => window.firstEvent);
	await page.context().close();
	return ms;
}

async function heapBytes(devtools) {
	await devtools.send("HeapProfiler.collectGarbage");
	return (await devtools.send("Runtime.getHeapUsage")).usedSize;
}

await walk({
	async "the first event after opening"() {
		const all = [];
		for (let turn = 0; turn < OPENINGS; turn++) all.push(await firstEventMs());
		console.log(JSON.stringify({ opened_ms: rounded(at(all, 0.5)), worst_ms: rounded(Math.max(...all)) }));
	},
	async "frames and heap under load"() {
		const page = await open();
		const devtools = await page.context().newCDPSession(page);
		await go(page, "live?range=5m");
		await until(() => page.evaluate(() => parseInt(document.querySelector(".feed-foot")?.textContent.replace(/\D/g, "") || "0") > 1000), "events under load");
		await pause(WARM_UP_MS);
		const before = await heapBytes(devtools);
		await page.evaluate(() => {
			const frames = (window.frames_ = { work: [], between: [] });
			let last = 0;
			function frame(start) {
				if (last) frames.between.push(start - last);
				last = start;
				// The message comes after the frame was laid out and painted.
				const { port1, port2 } = new MessageChannel();
				port2.onmessage = () => frames.work.push(performance.now() - start);
				port1.postMessage(0);
				requestAnimationFrame(frame);
			}
			requestAnimationFrame(frame);
		});
		await pause(wishes.seconds * 1000);
		const { work, between } = await page.evaluate(() => window.frames_);
		const after = await heapBytes(devtools);
		console.log(JSON.stringify({ frames: work.length, work_ms: rounded(at(work, 0.95)), between_ms: rounded(at(between, 0.95)), heap_mib: rounded(before / 2 ** 20), grown_mib: rounded((after - before) / 2 ** 20) }));
	},
});
