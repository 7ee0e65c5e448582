// SPDX-License-Identifier: Apache-2.0
// What may happen to the stream of the live page: it is shown in words where one looks, and the list is complete again afterwards.
import { execFileSync } from "node:child_process";
import { capsuleEvent, check, expectFault, go, open, publish, until, walk, wishes } from "./browser.mjs";
import { doorway } from "./doorway.mjs";

const rows = (page) => page.locator(".feed-row").allInnerTexts();
const sees = (page, text) => until(async () => (await rows(page)).some((row) => row.includes(text)), `a row with ${text}`);
const isLive = (page) => page.locator(".pill", { hasText: "Live" }).waitFor();

/** Nothing is missing, nothing is there twice: what was published, the newest first. */
async function showsAll(page, ...names) {
	await sees(page, names.at(-1));
	const shown = await page.locator(".feed-resource").allTextContents();
	check(shown.join() === names.reverse().join(), `shown: ${shown.join()}`);
}

/** The page never tries again by itself, so the button stays until it is pressed, and it alone brings the stream back. */
function triesOnlyWhenAsked() {
	const wait = window.setTimeout;
	window.setTimeout = (run, ms, ...more) => (ms >= 1000 ? 0 : wait(run, ms, ...more));
}

const door = await doorway(wishes.base);
const page = await open({ base: door.origin, key: wishes.revoked.key, first: triesOnlyWhenAsked });

await walk({
	async "a source that is away"() {
		await isLive(page);
		await publish(capsuleEvent("capsule.create", "first"));
		await sees(page, "first");
		process.kill(wishes.redisProcess, "SIGSTOP");
		try {
			await page.getByText("The source is away").waitFor();
			await page.locator(".pill", { hasText: "Redis unreachable" }).waitFor();
		} finally {
			process.kill(wishes.redisProcess, "SIGCONT");
		}
		await publish(capsuleEvent("capsule.create", "second"));
		await page.getByText("The source is away").waitFor({ state: "detached" });
		await isLive(page);
		await showsAll(page, "first", "second");
	},
	async "a gap"() {
		expectFault(/net::ERR_/);
		door.shut();
		await page.getByText("Connection lost").first().waitFor();
		execFileSync("redis-cli", ["-s", wishes.redisSocket, "DEL", "wrenn:events"]);
		await publish(capsuleEvent("capsule.create", "third"));
		door.open();
		await page.getByRole("button", { name: "Try now" }).click();
		await page.getByText("some events are no longer kept").waitFor();
		await isLive(page);
		await showsAll(page, "first", "second", "third");
		await page.getByRole("button", { name: "Dismiss" }).click();
		await page.getByText("some events are no longer kept").waitFor({ state: "detached" });
	},
	async "a filter that the service refuses"() {
		expectFault(/status of 400/);
		await go(page, "live?event=no.such..kind");
		await page.getByText("The stream is closed").waitFor();
		await page.locator(".pill", { hasText: "Closed" }).waitFor();
		await page.getByRole("button", { name: "Clear the filters" }).click();
		await isLive(page);
	},
	async "a session that was closed"() {
		expectFault(/status of 401/);
		door.shut();
		await page.getByText("Connection lost").first().waitFor();
		execFileSync(wishes.program, ["keys", "revoke", wishes.revoked.id], { env: wishes.environment });
		await publish(capsuleEvent("capsule.create", "fourth"));
		door.open();
		await page.getByRole("button", { name: "Try now" }).click();
		await page.getByText("You were signed out.").waitFor();
		await page.getByLabel("API key").fill(wishes.key);
		await page.keyboard.press("Enter");
		await isLive(page);
		await showsAll(page, "third", "fourth");
	},
});
