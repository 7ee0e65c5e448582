// SPDX-License-Identifier: Apache-2.0
// The operator's page, with the session of an administrator; and that nobody else is shown it.
import { check, cookiesOf, go, looksGood, open, until, walk, wishes } from "./browser.mjs";

const page = await open({ key: "", cookies: cookiesOf(wishes.admin) });

/** The clock stands still at a full minute, so a label is at the very end of each plot. Notes the labels, and those that are cut. */
function noteLabels() {
	const minute = Math.floor(Date.now() / 60_000) * 60_000;
	Date.now = () => minute;
	window.labels = [];
	window.cut = [];
	const draw = CanvasRenderingContext2D.prototype.fillText;
	CanvasRenderingContext2D.prototype.fillText = function (text, x, ...more) {
		const { actualBoundingBoxLeft: left, actualBoundingBoxRight: right } = this.measureText(text);
		(x - left < 0 || x + right > this.canvas.width ? window.cut : window.labels).push(text);
		draw.call(this, text, x, ...more);
	};
}

await walk({
	async "an administrator sees how the service is"() {
		await page.getByRole("link", { name: "Operator" }).click();
		await page.getByText("Events not read yet").waitFor();
		// It serves no channel, and is listed all the same.
		await page.locator("tr", { hasText: "(this one)" }).locator("td", { hasText: /^0$/ }).waitFor();
		await page.getByText(/^yes, until/).waitFor();
		await page.locator(".plot canvas").first().waitFor();
		const figure = (name, pattern) => page.locator(".figures div", { hasText: name }).locator("dd").first().filter({ hasText: pattern }).waitFor();
		for (const [name, pattern] of [["Events not read yet", /^0$/], ["Deliveries waiting", /^0$/], ["Channels disabled", /^0$/], ["Database", /^\d+ KiB$/], ["Longest event-loop delay", /^[\d,.]+ m?s$/]]) await figure(name, pattern);
		await page.getByText("SQLite").waitFor();
	},
	async "a dead letter is shown with its reason, and offered again"() {
		await page.getByText("a reason of the test").waitFor();
		await page.getByText("What was published").click();
		await looksGood(page, "operator");
		await page.getByRole("button", { name: "Offer again" }).click();
		await page.getByText("None. Every event was committed.").waitFor();
	},
	async "no label of a plot is cut"() {
		const still = await open({ key: "", cookies: cookiesOf(wishes.admin), path: "operator", first: noteLabels });
		await still.locator(".plot canvas").nth(1).waitFor();
		await until(() => still.evaluate(() => window.labels.some((text) => text.endsWith(":00"))), "the labels");
		const cut = await still.evaluate(() => window.cut.join());
		check(!cut, `cut: ${cut}`);
		await still.context().close();
	},
	async "all teams in one list"() {
		await go(page, `live?teams=all&resource=${wishes.seen}`);
		await page.locator(".feed-row", { hasText: wishes.seen }).first().waitFor();
	},
	async "nobody else is shown it"() {
		const team = await open({ path: "live" });
		await team.getByText("Nothing has happened lately").waitFor();
		check((await team.getByRole("link", { name: "Operator" }).count()) === 0, "the operator's page with a key");
	},
});
