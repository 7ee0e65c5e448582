// SPDX-License-Identifier: Apache-2.0
// The operator's page, with the session of an administrator; and that nobody else is shown it.
import { check, cookiesOf, go, looksGood, open, walk, wishes } from "./browser.mjs";

const page = await open({ key: "", cookies: cookiesOf(wishes.admin) });

await walk({
	async "an administrator sees how the service is"() {
		await page.getByRole("link", { name: "Operator" }).click();
		await page.getByText("Events not read yet").waitFor();
		// It serves no channel, and is listed all the same.
		await page.locator("tr", { hasText: "(this one)" }).locator("td", { hasText: /^0$/ }).waitFor();
		await page.getByText(/^yes, until/).waitFor();
		await page.locator(".plot canvas").first().waitFor();
	},
	async "a dead letter is shown with its reason, and offered again"() {
		await page.getByText("a reason of the test").waitFor();
		await page.getByText("What was published").click();
		await looksGood(page, "operator");
		await page.getByRole("button", { name: "Offer again" }).click();
		await page.getByText("None. Every event was committed.").waitFor();
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
