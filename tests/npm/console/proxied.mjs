// SPDX-License-Identifier: Apache-2.0
// The way through the console below /api of a proxy, over TLS and HTTP/2. A request beside /api fails the script.
import { capsuleEvent, go, open, publish, walk, wishes } from "./browser.mjs";

const walkThrough = (name, base) => async () => {
	const page = await open({ base });
	await page.locator(".pill", { hasText: "Live" }).waitFor();
	await go(page, "channels/new");
	await page.locator("input[name=provider][value=webhook]").check();
	await page.locator("input[name=url]").fill(`${wishes.fake}/hooks/${name}`);
	await page.locator("input[name=name]").fill(name);
	await page.getByRole("button", { name: "Save the channel" }).click();
	await page.getByRole("heading", { name: `${name} is connected` }).waitFor();
	await go(page, "live");
	await page.locator(".pill", { hasText: "Live" }).waitFor();
	await publish(capsuleEvent("capsule.create", `by-${name}`));
	await page.locator(".feed-row", { hasText: `by-${name}` }).click();
	await page.getByRole("link", { name: "See who received it" }).click();
	await page.locator(".verdict", { hasText: name }).getByText("delivered", { exact: true }).waitFor();
	await page.reload();
	await page.locator(".verdict", { hasText: name }).waitFor();
};

await walk(Object.fromEntries(Object.entries(wishes.proxies).map(([name, base]) => [`behind ${name}`, walkThrough(name, base)])));
