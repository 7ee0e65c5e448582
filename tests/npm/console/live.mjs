// SPDX-License-Identifier: Apache-2.0
// The live page: signing in, events as they come, filters, hostile text, a lost connection, two teams.
import { execFileSync } from "node:child_process";
import { capsuleEvent, check, expectFault, go, open, publish, until, walk, wishes } from "./browser.mjs";
import { doorway } from "./doorway.mjs";

const capsule = (number) => `cl-${String(number).padStart(25, "0")}`;
const rows = (page) => page.locator(".feed-row").allInnerTexts();
const sees = (page, text) => until(async () => (await rows(page)).some((row) => row.includes(text)), `a row with ${text}`);
let page;

async function signIn(page, key) {
	await page.getByLabel("API key").fill(key);
	await page.keyboard.press("Enter");
	await page.getByRole("navigation").waitFor();
}

await walk({
	async "the key of a link leaves the address at once"() {
		page = await open();
		check(!(await page.evaluate(() => location.href)).includes(wishes.key), "the key is still in the address");
		await page.getByText("Nothing has happened lately").waitFor();
		await page.locator(".pill", { hasText: "Live" }).waitFor();
	},
	async "an event appears, with its lane and its minute"() {
		await publish(capsuleEvent("capsule.create", capsule(1)));
		await sees(page, "Capsule created");
		await page.locator(".lane-bar").waitFor();
		await page.getByText("1 event, 0 failed").waitFor();
		await page.locator(".plot canvas").first().waitFor();
	},
	async "one event whole, and back"() {
		await page.locator(".feed-row").first().click();
		await page.locator(".detail .json").getByText("capsule.create").waitFor();
		check(page.url().includes("open="), "the open event is not in the address");
		await page.keyboard.press("Escape");
		await page.locator(".detail").waitFor({ state: "detached" });
	},
	async "filters are the API's and stay in the address"() {
		await publish(capsuleEvent("capsule.pause", capsule(2), { outcome: "error", error: "the host did not answer" }));
		await sees(page, "pause failed");
		await page.getByLabel("Outcome").selectOption("error");
		await until(async () => (await rows(page)).length === 1, "one row");
		await page.reload();
		await until(async () => (await rows(page)).length === 1, "one row after loading the page again");
		await page.getByLabel("Outcome").selectOption("");
		await sees(page, "Capsule created");
		await page.getByLabel("Kind").selectOption("capsule.pause");
		await until(async () => (await rows(page)).length === 1, "one kind");
		await page.getByLabel("Kind").selectOption("");
		await sees(page, "Capsule created");
		await page.getByLabel("Resource").fill(capsule(1));
		await page.keyboard.press("Enter");
		await until(async () => (await rows(page)).length === 1, "one resource");
		check(page.url().includes(`resource=${capsule(1)}`), "the resource is not in the address");
		await page.getByLabel("Resource").fill("");
		await page.keyboard.press("Enter");
		await sees(page, "pause failed");
	},
	async "the list and the plot follow the chosen range"() {
		await page.getByLabel("Since").selectOption("1h");
		await page.getByRole("button", { name: "1h", exact: true }).waitFor();
		check(page.url().includes("range=1h"), "the range is not in the address");
		await sees(page, "Capsule created");
		await page.getByLabel("Since").selectOption("15m");
		await page.getByRole("button", { name: "15m", exact: true }).waitFor();
		await sees(page, "Capsule created");
	},
	async "times are the reader's, with UTC on hover"() {
		const far = await open({ zone: "Asia/Kolkata" });
		const time = far.locator(".feed-time").first();
		const [shown, said, exact] = [await time.textContent(), await time.getAttribute("title"), await time.getAttribute("datetime")];
		const there = new Date(Date.parse(exact) + 5.5 * 3_600_000).toISOString().slice(11, 19);
		check(shown === there && said === `${exact.slice(0, 10)} ${exact.slice(11, 19)} UTC`, `${shown}, ${said}, ${exact}`);
		await far.context().close();
	},
	async "the plot over a day, of all that the service has counted"() {
		await page.getByRole("button", { name: "24h" }).click();
		await page.getByRole("heading", { name: "Events per hour" }).waitFor();
		await page.getByText("2 events, 1 failed").waitFor();
		await page.getByLabel("Outcome").selectOption("error");
		await page.getByText("2 events, 1 failed in the whole team, without the filters").waitFor();
		check(page.url().includes("plot=24h"), "the period is not in the address");
		await page.getByLabel("Outcome").selectOption("");
		await page.getByRole("button", { name: "15m" }).click();
		await page.getByRole("heading", { name: "Events per minute" }).waitFor();
	},
	async "a search looks through what has arrived"() {
		await page.getByPlaceholder("Search").fill("did not answer");
		await until(async () => (await rows(page)).length === 1, "one row");
		await page.getByPlaceholder("Search").fill("nothing like that");
		await page.getByText("No event passes these filters").waitFor();
		await page.getByRole("button", { name: "Clear the filters" }).click();
		await sees(page, "Capsule created");
	},
	async "a pause holds the list, and the jump leads to now"() {
		await page.getByRole("button", { name: "Pause" }).click();
		await publish(capsuleEvent("capsule.destroy", capsule(3)));
		await page.getByText("1 new event").click();
		await sees(page, "Capsule destroyed");
	},
	async "hostile text is text"() {
		for (const text of wishes.hostile) await publish(capsuleEvent("capsule.create", text.slice(0, 60), { outcome: "error", error: text, actor: { type: "user", name: text } }));
		await until(async () => (await rows(page)).length === 3 + wishes.hostile.length, "the hostile rows");
		check(await page.evaluate(() => !document.querySelector("main :is(script, img, iframe, object, embed, style, link)") && !window.hostile), "text became markup");
		const shown = await page.locator(".feed-actor").allTextContents();
		for (const text of wishes.hostile.filter((one) => one.startsWith("<"))) check(shown.some((one) => one === text), `not shown as it is: ${text}`);
		await page.locator(".feed-row").first().click();
		await page.locator(".detail .json").waitFor();
		await page.keyboard.press("Escape");
		await page.locator(".detail").waitFor({ state: "detached" });
	},
	async "a lost connection is shown, and nothing is missing afterwards"() {
		expectFault(/net::ERR_/);
		const door = await doorway(wishes.base);
		const far = await open({ base: door.origin });
		await sees(far, "Capsule created");
		door.shut();
		await far.getByText("Connection lost").first().waitFor();
		await publish(...[4, 5, 6].map((number) => capsuleEvent("capsule.resume", capsule(number))));
		await go(far, "audit");
		await far.getByText("This part could not be loaded").waitFor();
		await go(far, "live");
		door.open();
		// The button may go while it is being clicked, because the page tries by itself as well.
		await far.evaluate(() => [...document.querySelectorAll("button")].find((button) => button.textContent === "Try now")?.click());
		await sees(far, "Capsule resumed");
		await far.locator(".pill", { hasText: "Live" }).waitFor();
		// Chromium paints a tab in the background about once a second, so the unbroken page may be the later one.
		for (const one of [page, far]) await until(async () => (await rows(one)).length === wishes.hostile.length + 6, "every row");
		check((await rows(far)).join() === (await rows(page)).join(), "the rows differ from the unbroken page's");
		await go(far, "audit");
		await far.getByRole("heading", { name: "Audit" }).waitFor();
	},
	async "two teams in two tabs see nothing of each other"() {
		const other = await open({ key: wishes.otherKey });
		await other.getByText("Nothing has happened lately").waitFor();
		await publish({ ...capsuleEvent("capsule.create", "only-of-the-other"), team_id: wishes.otherTeam });
		await sees(other, "only-of-the-other");
		await publish(capsuleEvent("capsule.create", "the-last-of-mine"));
		await sees(page, "the-last-of-mine");
		check(!(await rows(page)).some((row) => row.includes("only-of-the-other")), "a row of the other team");
		check((await rows(other)).length === 1, "more rows than the team's");
		expectFault(/status of 404/);
		const [mine] = await publish(capsuleEvent("capsule.create", "a-secret-of-mine"));
		await sees(page, "a-secret-of-mine");
		for (const [place, words] of [[`events/${mine}`, "there is no event of this id"], ["audit", "only-of-the-other"], ["waiting", "No snapshot is under way"], ["channels", "No channel yet"]]) {
			await go(other, place);
			await other.getByText(new RegExp(words, "i")).first().waitFor();
			check(!(await other.locator("main").textContent()).includes("of-mine"), `${place} shows something of the other team`);
		}
	},
	async "the story of an event: stream, trail, channels"() {
		const [id] = await publish(capsuleEvent("capsule.create", capsule(7)));
		await go(page, `events/${id}`);
		await page.getByText("The team has no channel.").waitFor();
		await page.getByText(/It went at once to [1-9] live listener/).waitFor();
		await page.getByText("sandbox.create: success").waitFor();
		await page.getByText("As JSON").click();
		await page.locator(".json").getByText(capsule(7)).waitFor();
	},
	async "the trail's row of a failure that nobody asked for"() {
		const failure = { outcome: "error", error: "the disk is full", actor: { type: "system" }, metadata: { reason: "pause_failed" } };
		const [id] = await publish(capsuleEvent("capsule.pause", capsule(8), failure));
		await go(page, `events/${id}`);
		await page.getByText(/sandbox\.error: /).waitFor();
	},
	async "a lane says what a capsule was doing, with its events on it"() {
		const id = capsule(9);
		const system = { actor: { type: "system" } };
		for (const [kind, more] of [["capsule.create", {}], ["capsule.create", system], ["capsule.pause", system], ["capsule.resume", { outcome: "error", error: "no host" }]]) await publish(capsuleEvent(kind, id, more));
		await go(page, `live?resource=${id}`);
		await until(async () => (await rows(page)).length === 4, "its four events");
		const state = { event: "capsule.state.changed", team_id: wishes.team, actor: system.actor, resource: { id, type: "sandbox" }, metadata: { from: "paused", to: "snapshotting" }, timestamp: new Date().toISOString() };
		const lane = page.locator(".lane");
		await until(async () => {
			execFileSync("redis-cli", ["-s", wishes.redisSocket, "PUBLISH", "wrenn:sse", JSON.stringify(state)]);
			return (await lane.locator(".lane-word").allTextContents()).join() === "snapshotting";
		}, "its lane alone, with its state");
		const bars = await lane.locator(".lane-bar").evaluateAll((all) => all.map(({ classList }) => classList[1]));
		check(bars.join() === "starting,running,paused,snapshotting", `the bars: ${bars.join()}`);
		check((await lane.locator(".lane-mark").count()) === 4, "its events");
		check((await lane.locator(".lane-mark.failed").getAttribute("title")).startsWith("Capsule resume failed"), "the one that failed");
	},
	async "signing out, and in by typing a key"() {
		await page.getByRole("button", { name: "Sign out" }).click();
		await page.getByLabel("API key").fill("wrn_short");
		await page.keyboard.press("Enter");
		await page.getByText("A key is wrn_ and 32 hexadecimal digits").waitFor();
		expectFault(/status of 401/);
		await page.getByLabel("API key").fill(`wrn_${"0".repeat(32)}`);
		await page.keyboard.press("Enter");
		await page.getByText("Sign in again with a key that is valid.").waitFor();
		await signIn(page, wishes.key);
		await go(page, "live");
		await sees(page, "the-last-of-mine");
	},
	async "the next team in the same tab sees nothing of the one before"() {
		await page.getByRole("button", { name: "Sign out" }).click();
		await signIn(page, wishes.otherKey);
		await page.locator(".feed-row").first().waitFor();
		await publish(capsuleEvent("capsule.create", "after-signing-out"));
		await publish({ ...capsuleEvent("capsule.create", "again-of-the-other"), team_id: wishes.otherTeam });
		const isOthers = (row) => row.includes("of-the-other");
		await until(async () => (await rows(page)).length >= 2, "the events of the other team");
		check((await rows(page)).every(isOthers), "a row of the team that signed out");
		await sees(page, "again-of-the-other");
		check((await rows(page)).every(isOthers), "a later row of the team that signed out");
	},
	async "a refused key ends the feed, and signing in follows again"() {
		const refusal = { status: 401, json: { error: { code: "unauthorized", message: "the key was revoked" } } };
		await page.route("**/v1/channels*", (route) => route.fulfill(refusal), { times: 1 });
		await go(page, "channels");
		await signIn(page, wishes.key);
		await go(page, "live");
		await sees(page, "after-signing-out");
		check(!(await rows(page)).some((row) => row.includes("of-the-other")), "a row of the refused team");
	},
	async "a link with a key is taken in a tab that shows the console already"() {
		// Only the fragment changes, as when a link is pasted into the address.
		const loaded = page.waitForEvent("load");
		await page.evaluate((key) => setTimeout(() => (location.hash = `#key=${key}`)), wishes.otherKey);
		await loaded;
		await sees(page, "again-of-the-other");
		check(!page.url().includes("wrn_") && !(await page.title()).includes("wrn_"), "the key is still to be seen");
		check((await rows(page)).every((row) => row.includes("of-the-other")), "a row of the team before");
	},
	async "an address that is not well formed opens a page"() {
		await page.evaluate(() => history.replaceState(null, "", "#/%"));
		await page.reload();
		await page.getByText("There is no such page").waitFor();
	},
});
