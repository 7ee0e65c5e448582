// SPDX-License-Identifier: Apache-2.0
// The trail: filters, page after page without a hole, one entry whole, and the export of what is filtered.
import { readFileSync } from "node:fs";
import { check, open, until, walk, wishes } from "./browser.mjs";

const page = await open({ path: "audit" });
const rows = () => page.locator(".audit-line").count();

async function download(button) {
	const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: button }).click()]);
	return readFileSync(await file.path(), "utf8");
}

await walk({
	async "the list goes on until the last row"() {
		await page.locator(".audit-line").first().waitFor();
		await until(async () => {
			await page.locator(".list-end").scrollIntoViewIfNeeded();
			return (await rows()) === wishes.rows;
		}, `${wishes.rows} rows`);
		await page.getByText("That is all.").waitFor();
		const ids = await page.locator(".audit-line .row-main").allTextContents();
		check(new Set(ids).size === wishes.rows, "a row twice");
	},
	async "one entry whole"() {
		await page.locator(".audit-line").first().click();
		await page.locator(".row-detail .facts").getByText("log-").waitFor();
	},
	async "filters are in the address"() {
		await page.getByLabel("Action").selectOption("pause");
		await until(async () => (await rows()) === wishes.paused, "those that are paused");
		check((await page.evaluate(() => location.hash)).includes("action=pause"), "the filter is not in the address");
	},
	async "what is filtered can be kept as a file"() {
		const lines = (await download("JSON Lines")).trim().split("\n").map((line) => JSON.parse(line));
		const shown = lines.filter(({ type }) => type === "row");
		check(shown.length === wishes.paused && shown.every(({ row }) => row.action === "pause"), "the lines");
		check(lines[0].type === "header" && lines.at(-1).type === "checkpoint", "what proves them");
		const table = (await download("Export CSV")).trim().split("\r\n");
		check(table.length === wishes.paused + 1, `the table has ${table.length} lines`);
	},
});
