// SPDX-License-Identifier: Apache-2.0
// How the pages look to those who do not see them, use no mouse or have a small screen. Events and channels are there already.
import { axe, check, go, open, until, walk, wishes } from "./browser.mjs";

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

async function looksGood(page, path, what) {
	await go(page, path);
	await page.locator(PAGES[path]).first().waitFor();
	await axe(page, `${path}, ${what}`);
	const beyond = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
	check(beyond <= 0, `${path}, ${what}: ${beyond} px are beyond the edge`);
}

const focused = (page) => page.evaluate(() => document.activeElement?.textContent?.trim() || document.activeElement?.ariaLabel || document.activeElement?.name || "");

async function tabTo(page, text) {
	for (let presses = 0; presses < 80; presses++) {
		await page.keyboard.press("Tab");
		if ((await focused(page)).includes(text)) return;
	}
	throw new Error(`the keyboard does not reach “${text}”`);
}

await walk({
	async "axe finds nothing, light and wide"() {
		const page = await open();
		for (const path of Object.keys(PAGES)) await looksGood(page, path, "light, 1440");
	},
	async "axe finds nothing, dark and narrow"() {
		const page = await open({ scheme: "dark", width: 320, height: 700 });
		for (const path of Object.keys(PAGES)) await looksGood(page, path, "dark, 320");
	},
	async "the page where one signs in, both ways"() {
		for (const scheme of ["light", "dark"]) {
			const page = await open({ key: "", scheme });
			await page.getByLabel("API key").waitFor();
			await axe(page, `sign in, ${scheme}`);
		}
	},
	async "a channel is connected by keyboard alone"() {
		const page = await open({ path: "channels" });
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
		const page = await open();
		await page.locator(".feed-row").first().waitFor();
		await page.locator(".feed-box").focus();
		await page.keyboard.press("ArrowDown");
		await page.keyboard.press("Enter");
		await page.locator(".detail").waitFor();
		await until(async () => (await focused(page)) !== "", "the focus in the detail");
		await page.keyboard.press("Escape");
		await page.locator(".detail").waitFor({ state: "detached" });
	},
});
