// SPDX-License-Identifier: Apache-2.0
// Text of somebody who wishes readers ill: on every page it is text, as it was sent, and moves nothing around it.
import { check, cookiesOf, go, open, until, walk, wishes } from "./browser.mjs";

const TURNING = /[\u202a-\u202e\u2066-\u2069]/g;
/** A line end is shown as a space, and what cannot be shown as U+FFFD. The reason of a dead letter has no mark that turns. */
const plain = (text) => text.replace(/\s+/g, " ").replaceAll("\u0000", "\ufffd").replace(TURNING, "");
const texts = wishes.hostile.map(plain);
const long = "W".repeat(1000);
const page = await open();

/** What may be said of any page, on a wide and on a small screen. */
async function isHarmless(page, what) {
	for (const width of [390, 1280]) {
		await page.setViewportSize({ width, height: 800 });
		const beyond = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
		check(beyond <= 0, `${what}, ${width}: ${beyond} px are beyond the edge`);
	}
	const wrong = await page.evaluate(() => {
		const made = document.querySelector("#app :is(script, img, iframe, object, embed, style, link, base, form[action], [onload], [onerror], a[href^='javascript' i])");
		return window.hostile ? "a script of the text ran" : made?.outerHTML;
	});
	check(!wrong, `${what}: ${wrong}`);
}

/** Each of the texts is one of those that are found, letter by letter. */
async function showsAll(found, what) {
	await found.first().waitFor();
	await until(async () => {
		const shown = (await found.allTextContents()).map(plain);
		return texts.every((text) => shown.includes(text));
	}, `${what} with every text`);
}

/** A mark that turns the direction of writing ends with the text it is in. */
async function turnsNothing(page, what) {
	const mixed = await page.evaluate(() => {
		const walker = document.createTreeWalker(document.getElementById("app"), NodeFilter.SHOW_TEXT);
		for (let node = walker.nextNode(); node; node = walker.nextNode()) {
			if (!/[\u202a-\u202e\u2066-\u2069]/.test(node.data)) continue;
			const inside = node.parentElement;
			const style = getComputedStyle(inside);
			const isOwnLine = ["block", "flex", "grid", "list-item"].includes(style.display) || inside.parentElement.matches(".row, .feed-row");
			const isAlone = [...inside.childNodes].every((one) => one === node || !one.textContent.trim());
			if (!(isAlone && (isOwnLine || style.unicodeBidi.startsWith("isolate") || style.display.startsWith("inline-")))) return inside.outerHTML;
		}
		return "";
	});
	check(!mixed, `${what}: turns what is beside it: ${mixed}`);
}

async function isSafe(page, what) {
	await isHarmless(page, what);
	await turnsNothing(page, what);
}

await walk({
	async "live, with one event opened after another"() {
		await showsAll(page.locator(".feed-actor"), "actors");
		for (const [number, event] of wishes.events.entries()) {
			await go(page, `live?open=${event}`);
			await page.locator(".detail .mono", { hasText: event }).waitFor();
			await isSafe(page, `live, with ${texts[number].slice(0, 40)}`);
		}
		await page.keyboard.press("Escape");
	},
	async "the search finds it and the filter by it goes through the address"() {
		const markup = texts.find((text) => text.includes("<img"));
		await page.getByPlaceholder("Search").fill(markup);
		await until(async () => (await page.locator(".feed-row").count()) === 1, "one row");
		await page.locator(".feed-row").click();
		await page.getByRole("button", { name: "Only this resource" }).click();
		await page.reload();
		await until(async () => (await page.locator(".feed-row").count()) === 1, "one row after loading the page again");
		await isSafe(page, "live, filtered");
	},
	async "the story of each event"() {
		for (const [number, event] of wishes.events.entries()) {
			await go(page, `events/${event}`);
			await page.locator(".facts dd", { hasText: "sandbox" }).first().waitFor();
			await page.getByText("As JSON").click();
			await page.getByRole("button", { name: "Attempts" }).click();
			await page.getByRole("link", { name: "The whole story" }).waitFor();
			const shown = plain(await page.locator("main").textContent());
			check(shown.includes(texts[number]), `the story does not show ${texts[number]}`);
			await isSafe(page, `the story of ${texts[number].slice(0, 40)}`);
		}
	},
	async "the trail, each row opened"() {
		await go(page, "audit");
		await showsAll(page.locator(".row-who"), "rows");
		for (const row of await page.locator(".audit-line").all()) await row.click();
		await isSafe(page, "audit");
	},
	async "the deliveries, with what the destination answered"() {
		await go(page, `channels/${wishes.channel}`);
		await page.locator(".delivery-line .row-error").first().waitFor();
		for (const row of await page.locator(".delivery-line").all()) await row.click();
		await page.locator(".attempt-detail", { hasText: "window.hostile" }).first().waitFor();
		for (const payload of await page.getByText("Payload").all()) await payload.click();
		await isSafe(page, "one channel");
		await go(page, "channels");
		await page.locator(".channel-card .trouble").waitFor();
		await isSafe(page, "channels");
	},
	async "snapshots under way"() {
		await go(page, "waiting");
		await showsAll(page.locator(".pending-head h2"), "snapshots");
		for (const shell of await page.getByText("Wait for it in a shell").all()) await shell.click();
		await isSafe(page, "waiting");
	},
	async "dead letters, one of them of 100 kB"() {
		const operator = await open({ key: "", cookies: cookiesOf(wishes.admin), path: "operator" });
		await showsAll(operator.locator(".letter .row-error"), "reasons");
		for (const payload of await operator.getByText("What was published").all()) await payload.click();
		await isSafe(operator, "operator");
	},
	async "a text that goes on and on takes no more than its place"() {
		await go(page, "live");
		const row = page.locator(".feed-row", { hasText: long.slice(0, 300) });
		await row.waitFor();
		check((await row.boundingBox()).height <= 64, "the row is higher than a row");
		await row.click();
		await page.locator(".detail .json").waitFor();
		const { height } = await page.locator(".detail .notice").boundingBox();
		check(height <= 600, `the notice is ${height} px high`);
	},
});
