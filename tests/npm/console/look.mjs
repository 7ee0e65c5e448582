// SPDX-License-Identifier: Apache-2.0
// How the pages look to those who do not see them, use no mouse or have a small screen. Events and channels are there already.
import { check, expectFault, go, looksGood, open, takeFaults, until, walk, wishes } from "./browser.mjs";

const PAGES = {
	live: ".feed-row",
	channels: ".channel-card .pill.good",
	"channels/new": ".msg",
	[`channels/${wishes.channel}`]: ".delivery-line",
	[`channels/${wishes.channel}/settings`]: ".webhook-request",
	[`events/${wishes.event}`]: ".verdict",
	audit: ".audit-line",
	waiting: ".empty .code",
};

/** Waits for what the step before did wrong on purpose. */
async function sawFault(pattern) {
	let seen = "";
	await until(() => pattern.test((seen += takeFaults())), `a fault like ${pattern}`);
}

/** What has the focus, in words. A page without a focus, or with it on the page as a whole, holds every word and is none of them. */
const focused = (page) =>
	page.evaluate(() => {
		const one = document.activeElement;
		if (!one || one.matches("body, main")) return "";
		return one.textContent.trim() || one.ariaLabel || one.name || "";
	});

async function tabTo(page, text) {
	for (let presses = 0; presses < 80; presses++) {
		await page.keyboard.press("Tab");
		if ((await focused(page)).includes(text)) return;
	}
	throw new Error(`the keyboard does not reach “${text}”`);
}

let page;

await walk({
	async "the watch sees what no page may do"() {
		const page = await open();
		await page.locator(".feed-row").first().waitFor();
		await page.evaluate(() => void (new Image().src = "https://elsewhere.example/x.png"));
		await sawFault(/policy: img-src https:\/\/elsewhere/);
		await page.evaluate(() => void Promise.reject(new Error("nobody handles it")));
		await sawFault(/unhandled: .*nobody handles it/);
		await page.evaluate(() => console.error("an error of the page"));
		await sawFault(/console: an error of the page/);
		await page.evaluate(() => document.querySelector("main").append(document.createElement("button")));
		await looksGood(page, "a button without a name");
		await sawFault(/axe, a button without a name, light, 1440: button-name/);
		await page.evaluate((address) => void (location.href = address), wishes.fake);
		await sawFault(/a request to /);
		await page.close();
		takeFaults();
	},
	async "axe finds nothing on any page"() {
		page = await open();
		for (const [path, mark] of Object.entries(PAGES)) {
			await go(page, path);
			await page.locator(mark).first().waitFor();
			await looksGood(page, path);
		}
	},
	async "axe finds nothing in any dialog"() {
		await go(page, `channels/${wishes.channel}`);
		await page.locator(".delivery-line").first().waitFor();
		for (const name of ["Snooze …", "Edit", "Delete", "Send a range again …"]) {
			await page.getByRole("button", { name }).click();
			await page.getByRole("dialog").waitFor();
			await looksGood(page, `the dialog ${name}`);
			await page.keyboard.press("Escape");
			await page.getByRole("dialog").waitFor({ state: "detached" });
			check((await focused(page)).includes(name), `the focus did not return to ${name}`);
		}
	},
	async "nothing moves for those who want no motion"() {
		await page.locator(".delivery-line").first().waitFor();
		const moves = () => page.evaluate(() => [...document.querySelectorAll("*")].filter((one) => getComputedStyle(one).transitionDuration !== "0s" || getComputedStyle(one).animationName !== "none").length);
		check((await moves()) === 0, "something moves");
		await page.emulateMedia({ reducedMotion: "no-preference" });
		check((await moves()) > 0, "nothing moves for anybody");
		await page.emulateMedia({ reducedMotion: "reduce" });
	},
	async "a channel is connected by keyboard alone"() {
		expectFault(/status of 400/); // an address of which half is typed is asked for a preview, too
		await go(page, "channels");
		await page.locator(".channel-card").first().waitFor();
		await tabTo(page, "Connect a channel");
		const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
		check(outline === "solid", `the focus is not seen: ${outline}`);
		await page.keyboard.press("Enter");
		await page.locator(".msg").waitFor();
		await tabTo(page, "provider");
		await page.keyboard.press("ArrowLeft");
		await page.locator("input[name=url]").waitFor();
		await tabTo(page, "url");
		await page.keyboard.type(`${wishes.fake}/hooks/by-keyboard`);
		await tabTo(page, "name");
		await page.keyboard.type("by keyboard");
		await page.keyboard.press("Enter");
		await page.getByRole("heading", { name: "by-keyboard is connected" }).waitFor();
	},
	async "the events are walked with the arrows"() {
		await go(page, "live");
		await page.locator(".feed-row").first().waitFor();
		await page.locator(".feed-box").focus();
		await page.keyboard.press("ArrowDown");
		await page.keyboard.press("Enter");
		await page.locator(".detail").waitFor();
		await until(async () => (await focused(page)) !== "", "the focus in the detail");
		await page.keyboard.press("Escape");
		await page.locator(".detail").waitFor({ state: "detached" });
	},
	async "axe finds nothing where one signs in"() {
		await page.getByRole("button", { name: "Sign out" }).click();
		await page.getByLabel("API key").waitFor();
		await looksGood(page, "sign in");
	},
});
