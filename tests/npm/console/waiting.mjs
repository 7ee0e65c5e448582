// SPDX-License-Identifier: Apache-2.0
// A snapshot under way, until its outcome comes. One was made before, so that it is known how long they take.
import { execFile } from "node:child_process";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { check, looksGood, open, publish, walk, wishes } from "./browser.mjs";

const page = await open({ path: "waiting" });
const card = page.locator("article", { hasText: "web-base-9" });

await walk({
	async "what is under way, with what is usual"() {
		await page.getByText(/Usually .+; nine of ten within/).waitFor();
		await card.getByText(/so far; usually/).waitFor();
		check(Number(await card.getByRole("progressbar").getAttribute("aria-valuenow")) < 100, "its progress");
		await card.getByText("Wait for it in a shell").click();
		const shell = await card.locator(".code").allTextContents();
		check(shell.some((text) => text.startsWith("wrenn-events wait template.snapshot.create --resource 'web-base-9' --since 2")), shell.join());
		check(shell.some((text) => text.startsWith("curl ") && text.includes("/v1/events/wait'")), shell.join());
		check((await card.getByText("now overdue").count()) === 0, "overdue at once");
		const late = page.locator("article", { hasText: "web-base-10" });
		await late.getByText(/so far; usually .+, now overdue/).waitFor();
		await late.locator(".pill", { hasText: "Overdue" }).waitFor();
		await looksGood(page, "waiting, with one under way");
	},
	async "the commands that one copies wait for it"() {
		await page.locator("article", { hasText: "web-base-10" }).getByText("Wait for it in a shell").click();
		const commands = await page.locator("article", { hasText: "web-base-10" }).locator(".code").allTextContents();
		const environment = { PATH: `${dirname(wishes.program)}:${process.env.PATH}`, WRENN_API_KEY: wishes.key, WRENN_BASE_URL: wishes.base };
		const running = Promise.all(commands.map((command) => promisify(execFile)("sh", ["-c", command], { env: environment, timeout: 60_000 })));
		running.catch(() => {}); // a command that ends at once fails the step below, not the whole process here
		await publish({ event: "template.snapshot.create", outcome: "success", resource: { id: "web-base-10", type: "snapshot" }, actor: { type: "system" } });
		for (const { stdout } of await running) check(stdout.includes("web-base-10"), stdout);
	},
	async "what the team expects: added, changed, removed"() {
		const rules = page.getByRole("region", { name: "Expectations" });
		await rules.getByText("Nothing yet.").waitFor();
		await rules.getByLabel("What is expected").selectOption("host");
		await rules.getByRole("button", { name: "Expect it" }).click();
		await rules.getByText("after host is down, host is up within 10 min").waitFor();
		await rules.getByLabel("Minutes").fill("90");
		await rules.getByRole("button", { name: "Expect it" }).click();
		await rules.getByText("within 1 h 30 min").waitFor();
		await rules.getByRole("button", { name: "Remove host" }).click();
		await rules.getByText("Nothing yet.").waitFor();
	},
	async "the outcome when it comes"() {
		await publish({ event: "template.snapshot.create", outcome: "error", error: "no space left", resource: { id: "web-base-9", type: "snapshot" }, actor: { type: "system" } });
		await page.getByText("No snapshot is under way").waitFor();
		await page.locator(".outcome-line", { hasText: "web-base-9" }).getByText("no space left").waitFor();
		await page.locator(".outcome-line", { hasText: "web-base-9" }).click();
		await page.getByRole("heading", { name: "Snapshot failed" }).waitFor();
	},
});
