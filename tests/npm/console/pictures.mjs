// SPDX-License-Identifier: Apache-2.0
// The pictures of docs/console.md. tools/screenshots prepares what they show and makes them small.
import { mkdirSync } from "node:fs";
import { cookiesOf, open, walk, wishes } from "./browser.mjs";

const SIZES = { wide: [1440, 900], middle: [768, 1024], narrow: [320, 640] };

/** Quiet hours that hold it now, and a message that is edited. */
async function beQuiet(page) {
	await page.locator("input[name=provider][value=discord]").check();
	await page.getByLabel("One message for each capsule").check();
	await page.getByRole("button", { name: "After an edit" }).click();
	await page.getByLabel("Quiet hours").check();
	await page.getByLabel("To", { exact: true }).fill("21:59");
	await page.getByLabel("When it fails").scrollIntoViewIfNeeded();
}

/** name of the picture -> page, what to wait for, scheme, size, what to do first */
const PICTURES = {
	live: ["live", ".feed-row", "light", "wide"],
	"live-dark": ["live", ".feed-row", "dark", "wide"],
	"live-middle": ["live", ".feed-row", "light", "middle"],
	"live-narrow": ["live", ".feed-row", "dark", "narrow"],
	waiting: ["waiting", ".progress", "light", "wide"],
	channels: ["channels", ".channel-card .pill.good", "light", "wide"],
	create: ["channels/new", ".msg", "light", "wide", (page) => page.getByLabel("Sample outcome").selectOption("error")],
	quiet: ["channels/new", ".msg", "light", "wide", beQuiet],
	"create-narrow": ["channels/new", ".msg", "light", "narrow"],
	channel: [`channels/${wishes.channel}`, ".delivery-line", "dark", "wide", (page) => page.locator(".delivery-line").first().click()],
	event: [`events/${wishes.event}`, ".verdict", "light", "wide"],
	operator: ["operator", ".plot canvas", "light", "wide", null, true],
	audit: ["audit", ".audit-line", "light", "wide"],
};

mkdirSync(wishes.folder, { recursive: true });
await walk({
	async "every picture"() {
		for (const [name, [path, mark, scheme, size, first, session]] of Object.entries(PICTURES)) {
			const [width, height] = SIZES[size];
			const who = session ? { key: "", cookies: cookiesOf(wishes.cookies) } : {};
			const page = await open({ path, scheme, width, height, ...who });
			await page.locator(mark).first().waitFor();
			if (first) await first(page);
			await page.waitForTimeout(2500); // until the plots and the figures are there
			await page.screenshot({ path: `${wishes.folder}/${name}.png` });
			await page.close();
		}
	},
});
