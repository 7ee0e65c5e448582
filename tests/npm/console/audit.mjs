// SPDX-License-Identifier: Apache-2.0
// The trail: filters, page after page without a hole, one entry whole, and the export of what is filtered.
import { readFileSync } from "node:fs";
import { check, go, open, until, walk, wishes } from "./browser.mjs";

/** Without a dialog to choose a file, as in most browsers. */
const page = await open({ path: "audit", first: () => (window.showSaveFilePicker = undefined) });
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
	async "from a row to the story of its event, and from there to its row"() {
		const entry = await page.locator(".row-detail .facts dd").last().textContent();
		await page.getByRole("link", { name: "The whole story of the event" }).click();
		await page.getByRole("heading", { name: /^Capsule/ }).waitFor();
		await page.getByRole("region", { name: "The audit trail" }).getByText(entry, { exact: true }).waitFor();
		await go(page, "audit");
		await page.locator(".audit-line").first().waitFor();
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
	async "it goes straight to the disk where one can choose the file"() {
		// A real file of the browser's own disk, which needs no dialog.
		await page.evaluate(() => {
			window.showSaveFilePicker = async ({ suggestedName }) => (await navigator.storage.getDirectory()).getFileHandle(suggestedName, { create: true });
		});
		await page.getByRole("button", { name: "Export CSV" }).click();
		const read = () => page.evaluate(async () => (await (await (await navigator.storage.getDirectory()).getFileHandle("audit.csv")).getFile()).text());
		await until(async () => (await read().catch(() => "")).trim().split("\r\n").length === wishes.paused + 1, "the file");
	},
	async "an export that breaks off is no file, and nobody has to choose one"() {
		await page.route("**/v1/audit-logs/export*", (route) => route.fulfill({ status: 200, headers: { "Content-Length": "100" }, body: "id" }), { times: 1 });
		await page.evaluate(() => {
			const write = () => Promise.reject(new Error("the disk is full"));
			window.showSaveFilePicker = async () => ({ createWritable: async () => new WritableStream({ write }) });
		});
		await page.getByRole("button", { name: "Export CSV" }).click();
		await page.getByText("Nothing is saved: try again.").waitFor();
		await page.evaluate(() => (window.showSaveFilePicker = () => Promise.reject(new DOMException("closed", "AbortError"))));
		await page.getByRole("button", { name: "Export CSV" }).click();
		await page.getByRole("alert").waitFor({ state: "detached" });
	},
});
