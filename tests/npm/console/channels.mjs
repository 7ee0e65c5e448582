// SPDX-License-Identifier: Apache-2.0
// Channels: create each of the seven with the message in view, break one, find out why, repair it, send again, edit, delete.
import { execFileSync } from "node:child_process";
import { breakIt, capsuleEvent, check, expectFault, go, open, publish, repair, until, walk, wishes } from "./browser.mjs";

/** What only the message in this product looks like. */
const DRAWN = { slack: ".slack-attachment", discord: ".discord-embed", teams: ".teams-card", googlechat: ".google-card", telegram: ".telegram-bubble b", matrix: ".matrix li", webhook: ".webhook-request .json" };
const capsule = (number) => `cl-${String(number).padStart(25, "0")}`;
/** The time of day in so many hours, at UTC. Quiet hours around now neither begin nor end during the test. */
const hour = (hours) => new Date(Date.now() + hours * 3_600_000).toISOString().slice(11, 16);
/** What the page shows once of a webhook: its secret, and the code that checks the signature. */
const shown = {};
const page = await open({ path: "channels" });
expectFault(/status of 400/); // while a URL is typed

/** Says from when to when. A minute may pass before it is shown. */
async function beQuiet() {
	const [from, to] = [hour(-2), hour(20)];

	await page.getByLabel("Quiet hours").check();
	await page.getByLabel("Zone").fill("Etc/UTC");
	await page.getByLabel("Zone").blur();
	await page.getByLabel("From").fill(from);
	await page.getByLabel("To", { exact: true }).fill(to);
	return `quiet from ${from} to ${to} (Etc/UTC)`;
}

/** Without a browser, as a program of the team. */
async function ask(method, path, body) {
	const answer = await fetch(`${wishes.base}/v1/${path}`, { method, headers: { "X-API-Key": wishes.key, "Content-Type": "application/json" }, body: body && JSON.stringify(body) });
	check(answer.ok, `${method} ${path}: ${answer.status}`);
	return answer.status === 204 ? null : answer.json();
}

/** Waits until that many deliveries of the channel shown are done. */
const delivered = (count) => until(async () => (await page.locator(".delivery-line .pill.good").count()) === count, `${count} delivered`);

async function create({ provider, config }, name) {
	await go(page, "channels");
	await page.getByRole("heading", { name: "Channels" }).waitFor();
	await go(page, "channels/new");
	await page.locator(`input[name=provider][value=${provider}]`).check();
	await page.locator(DRAWN[provider]).first().waitFor();
	for (const [field, value] of Object.entries(config)) await page.locator(`input[name=${field}]`).fill(value);
	await page.locator("input[name=name]").fill(name);
	await page.getByRole("button", { name: "Save the channel" }).click();
	await page.getByRole("heading", { name: `${name} is connected` }).waitFor();
}

await walk({
	async "without a channel the page says what to do"() {
		await page.getByText("No channel yet").waitFor();
		await page.getByRole("link", { name: "Connect a channel" }).first().click();
		await page.getByRole("heading", { name: "Connect a channel" }).waitFor();
		await page.getByText("Features → Incoming Webhooks: switch it on.").waitFor();
	},
	async "what is wrong with a URL is shown while typing"() {
		await page.locator("input[name=webhook_url]").fill("http://hooks.slack.com/x");
		await page.getByText("does not begin with https://").waitFor();
		await page.locator("input[name=webhook_url]").fill(wishes.destinations.slack.config.webhook_url);
		await page.locator(".field-wrong").waitFor({ state: "detached" });
	},
	async "a test message, and why it did not work"() {
		await page.getByRole("button", { name: "Send a test message" }).click();
		await page.getByText("Test message sent").waitFor();
		expectFault(/status of 502/);
		await breakIt(wishes.destinations.slack.name, { status: 404, body: "no_service" });
		await page.getByRole("button", { name: "Send a test message" }).click();
		await page.getByText("the Slack webhook was removed or switched off").waitFor();
		await repair();
	},
	async "a sample that fails, and a digest"() {
		await page.getByLabel("Sample outcome").selectOption("error");
		await page.locator(".msg").getByText("did not answer").first().waitFor();
		await page.getByLabel("Sample outcome").selectOption("digest");
		await page.locator(".msg").getByText("2 failed").first().waitFor();
		await page.getByRole("button", { name: "Show JSON" }).click();
		await page.locator(".preview .json").waitFor();
		await page.getByRole("button", { name: "Show message" }).click();
	},
	async "events are chosen by what they mean, one or a group"() {
		const choice = (name) => page.getByRole("checkbox", { name });
		await page.getByLabel("Sample outcome").selectOption("success");
		const kinds = await page.getByLabel("Sample event").locator("option").evaluateAll((all) => all.map(({ value }) => value));
		// The first one is chosen already.
		for (const kind of kinds.toReversed()) {
			const answered = page.waitForResponse((one) => one.url().endsWith("/channels/preview"));
			await page.getByLabel("Sample event").selectOption(kind);
			check((await answered).ok(), `no preview of ${kind}`);
			if (kind === "audit.checkpoint") await page.locator(".msg").getByText("a checkpoint of 1200 rows was signed").first().waitFor();
		}
		await choice("Audit checkpoint signed").check();
		await choice("Audit checkpoint signed").uncheck();
		for (const [button, isChosen] of [["all of Volumes", true], ["none of Volumes", false]]) {
			await page.getByRole("button", { name: button }).click();
			for (const name of ["Volume created", "Volume deleted"]) check((await choice(name).isChecked()) === isChosen, button);
		}
	},
	async "what is too long says how much of it is sent"() {
		await page.getByLabel("Sample outcome").selectOption("long");
		await page.locator(".preview-cut", { hasText: /^resource cut to 1,999 of 2,700$/ }).waitFor();
		await page.locator(".preview-foot", { hasText: / of 12,000 UTF-16 units/ }).waitFor();
	},
	async "only failures, in one click"() {
		await page.getByLabel("Sample outcome").selectOption("success");
		await page.getByLabel("Only failures").check();
		await page.getByText("Not sent: the channel's filter keeps it out, by outcome").waitFor();
		await page.getByLabel("Sample outcome").selectOption("error");
		await page.getByText("Not sent: the channel's filter").waitFor({ state: "detached" });
		await page.locator("input[name=name]").fill("failures");
		await page.getByRole("button", { name: "Save the channel" }).click();
		await page.getByRole("link", { name: "See the channel" }).click();
		await page.getByText("· only failures").waitFor();
		await page.getByRole("button", { name: "Edit" }).click();
		await page.getByLabel("Only failures").uncheck();
		await page.getByRole("button", { name: "Save" }).click();
		await page.getByText("· only failures").waitFor({ state: "detached" });
		await page.getByRole("button", { name: "Delete" }).click();
		await page.getByRole("button", { name: "Delete it" }).click();
		await page.getByText("No channel yet").waitFor();
	},
	async "before it is saved: what quiet hours hold, and how a message is edited"() {
		await go(page, "channels/new");
		await page.locator("input[name=provider][value=discord]").check();
		await page.getByLabel("Sample event").selectOption("capsule.destroy");
		await page.locator(".discord-embed").getByText(/destruction requested/).first().waitFor();
		check((await page.getByText("start requested → destruction requested").count()) === 0, "a new message with what was before");
		await page.getByLabel("One message for each capsule").check();
		await page.getByRole("button", { name: "After an edit" }).click();
		await page.locator(".discord-embed").getByText("start requested → destruction requested").waitFor();
		await page.getByRole("button", { name: "First message" }).click();
		await page.getByText("start requested → destruction requested").waitFor({ state: "detached" });
		await beQuiet();
		await page.getByText("At this hour it is held until").waitFor();
		await page.getByLabel("Sample outcome").selectOption("error");
		await page.getByText("At this hour it is held until").waitFor({ state: "detached" });
		await page.getByLabel("Failures are sent all the same").uncheck();
		await page.getByText("At this hour it is held until").waitFor();
		await page.getByLabel("Zone").fill("Nowhere/City");
		await page.getByLabel("From").focus();
		await page.getByRole("alert").getByText("Nowhere/City").waitFor();
	},
	async "each of the seven is connected"() {
		for (const [provider, destination] of Object.entries(wishes.destinations)) {
			await create(destination, `my-${provider}`);
			check((await page.getByText("only time the secret is shown").count()) === (provider === "webhook" ? 1 : 0), "the secret");
		}
		shown.secret = await page.locator('[aria-label="The secret"]').textContent();
		for (const language of ["Node", "Go", "Python"]) {
			await page.getByRole("button", { name: language }).click();
			shown[language] = await page.locator(`[aria-label="Verification in ${language}"]`).textContent();
		}
		await go(page, "channels");
		await until(async () => (await page.locator(".channel-card .pill", { hasText: "Healthy" }).count()) === 7, "seven that are healthy");
	},
	async "an event is delivered, with its attempts"() {
		await publish(capsuleEvent("capsule.create", capsule(1)));
		await page.getByRole("link", { name: "my-webhook" }).click();
		await page.locator(".delivery-line", { hasText: "delivered" }).click();
		await page.locator(".attempt.good", { hasText: "taken" }).waitFor();
		await page.getByText("1 delivery done, 0 given up").waitFor();
		await until(async () => (await page.locator(".plot canvas").count()) === 2, "outcomes and durations, drawn");
	},
	async "a channel at one glance: its day, its last success, its pace"() {
		await go(page, "channels");
		const card = page.locator(".channel-card", { hasText: "my-webhook" });
		await card.getByText("1 delivered in 24 hours").waitFor();
		check((await card.locator("svg .done").count()) === 1, "the day is not drawn");
		const facts = async () => (await card.locator(".figures dd").allTextContents()).map((text) => text.trim());
		await until(async () => / ago$/.test((await facts())[1]), "the last success");
		const [waiting, , pace] = await facts();
		check(waiting === "0" && pace === "no limit", `waiting ${waiting}, pace ${pace}`);
		await page.locator(".channel-card", { hasText: "my-slack" }).locator(".figures").getByText(/^1 per/).waitFor();
		await card.getByRole("link", { name: "my-webhook" }).click();
		await page.locator(".delivery-line").waitFor();
	},
	async "the code that the page shows takes this delivery, and no other"() {
		process.env.WRENN_SECRET = shown.secret;
		const log = (await (await fetch(`${wishes.fake}/_log`)).text()).trim().split("\n").map((line) => JSON.parse(line));
		const { headers, body } = log.findLast(({ destination }) => destination === wishes.destinations.webhook.name);
		const { isFromWrenn } = await import(`data:text/javascript,${encodeURIComponent(shown.Node)}`);
		const small = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
		const python = `${shown.Python}\nimport json, sys\nheaders, body = json.loads(sys.argv[1])\nprint(is_from_wrenn(headers, body.encode()))`;
		for (const [sent, verdict] of [[body, true], [`${body} `, false]]) {
			check(isFromWrenn(small, Buffer.from(sent)) === verdict, `Node: not ${verdict}`);
			const said = execFileSync("python3", ["-c", python, JSON.stringify([headers, sent])], { encoding: "utf8" }).trim();
			check(said === (verdict ? "True" : "False"), `Python: ${said}`);
		}
	},
	async "deliveries by state, kind and time"() {
		for (const [field, other, own] of [["State", "failed", "delivered"], ["Kind", "capsule.pause", "capsule.create"], ["Since", null, "1h"]]) {
			const choice = page.getByRole("region", { name: "Deliveries" }).getByLabel(field);
			if (other) {
				await choice.selectOption(other);
				await page.getByText("No delivery passes these filters").waitFor();
			}
			await choice.selectOption(own);
			await page.locator(".delivery-line").waitFor();
			check(page.url().includes(`=${own}`), `${field} is not in the address`);
		}
		await page.reload();
		await page.locator(".delivery-line").waitFor();
		await page.evaluate(() => (location.hash = location.hash.split("?")[0]));
	},
	async "broken: the channel says why, and so does the event"() {
		await breakIt(wishes.destinations.webhook.name, { status: 410 });
		const [id] = await publish(capsuleEvent("capsule.create", capsule(2)));
		await page.getByText("answered 410").first().waitFor();
		await page.locator(".pill", { hasText: "Disabled" }).waitFor();
		await go(page, `events/${id}`);
		await page.locator(".verdict", { hasText: "my-webhook" }).getByText(/The channel is disabled: .*410.*; this waits until it is enabled/).waitFor();
		await page.locator(".verdict", { hasText: "my-webhook" }).getByText("Attempts").click();
		await page.locator(".attempt.bad").first().waitFor();
		await page.locator(".verdict a", { hasText: "my-webhook" }).click();
	},
	async "repaired: enabled with what waits"() {
		await repair();
		await page.getByRole("button", { name: "Enable …" }).click();
		await page.getByText("Deliver what waits").waitFor();
		await page.getByRole("button", { name: "Enable", exact: true }).click();
		await delivered(2);
		await page.locator(".pill", { hasText: "Healthy" }).waitFor();
	},
	async "sent again: one"() {
		await page.locator(".delivery-line").last().click();
		await page.getByRole("button", { name: "Send again" }).click();
		await until(async () => (await page.locator(".attempt.good").count()) === 2, "a second attempt");
		await page.locator(".delivery-line").last().click();
	},
	async "enabled without what waits, and that sent again as a range"() {
		await breakIt(wishes.destinations.webhook.name, { status: 410 });
		await publish(capsuleEvent("capsule.create", capsule(9)));
		await page.locator(".head-side .pill", { hasText: "Disabled" }).waitFor();
		await repair();
		await page.getByRole("button", { name: "Enable …" }).click();
		await page.getByLabel("Skip it").check();
		await page.getByRole("button", { name: "Enable", exact: true }).click();
		await page.locator(".delivery-line .pill", { hasText: "dropped" }).waitFor();
		await page.getByRole("button", { name: "Send a range again …" }).click();
		await page.getByRole("dialog").getByRole("button", { name: "Send again" }).click();
		await page.getByText("1 delivery waits to be sent").waitFor();
		await page.keyboard.press("Escape");
		await page.getByRole("dialog").waitFor({ state: "detached" });
		await delivered(3);
	},
	async "quiet hours hold an event, and let it go"() {
		await page.getByRole("button", { name: "Edit" }).click();
		const words = await beQuiet();
		await page.getByRole("button", { name: "Save" }).click();
		await page.getByText(words).waitFor();
		const [id] = await publish(capsuleEvent("capsule.create", capsule(3)));
		await page.locator(".delivery-line", { hasText: "until" }).locator(".pill", { hasText: "held" }).waitFor();
		await page.getByText("1 held until").waitFor();
		await go(page, `events/${id}`);
		await page.locator(".verdict", { hasText: "my-webhook" }).locator(".pill.busy", { hasText: "held" }).waitFor();
		await page.locator(".verdict a", { hasText: "my-webhook" }).click();
		await page.getByRole("button", { name: "Edit" }).click();
		await page.getByLabel("Quiet hours").uncheck();
		await page.getByRole("button", { name: "Save" }).click();
		await delivered(4);
	},
	async "a snooze of one resource, and one of the channel"() {
		await page.getByRole("button", { name: "Snooze …" }).click();
		await page.getByRole("dialog").getByLabel("Only about").fill(capsule(4));
		await page.getByRole("button", { name: "Snooze", exact: true }).click();
		await page.getByText(`${capsule(4)} is snoozed until`).waitFor();
		await publish(capsuleEvent("capsule.create", capsule(4)));
		await page.locator(".delivery-line .pill", { hasText: "held" }).waitFor();
		await page.getByRole("button", { name: `End the snooze of ${capsule(4)}` }).click();
		await delivered(5);
		await page.getByRole("button", { name: "Snooze …" }).click();
		await page.getByRole("dialog").getByLabel("For").selectOption("7d");
		await page.getByRole("button", { name: "Snooze", exact: true }).click();
		await page.locator(".head-side .pill", { hasText: "Snoozed" }).waitFor();
		await page.getByRole("button", { name: "End the snooze" }).click();
		await page.locator(".head-side .pill", { hasText: "Healthy" }).waitFor();
	},
	async "what another message says: a digest, or a newer state of the capsule"() {
		const channels = Object.fromEntries((await ask("GET", "channels")).map(({ name, id }) => [name, id]));
		const [edits, digests] = [channels["my-discord"], channels["my-googlechat"]];
		await ask("PATCH", `channels/${edits}`, { name: "my-discord", events: ["capsule.create", "capsule.destroy"], living: true });
		for (const id of [edits, digests]) await ask("POST", `channels/${id}/snooze`, { for: "1h" });
		await publish(capsuleEvent("capsule.create", capsule(5)), capsuleEvent("capsule.destroy", capsule(5)));
		const held = async (id) => (await ask("GET", `channels/${id}/deliveries`)).items.filter(({ held_until }) => held_until).length;
		await until(async () => (await held(edits)) === 2 && (await held(digests)) === 2, "both events, held");
		for (const id of [edits, digests]) await ask("DELETE", `channels/${id}/snooze`);
		for (const [id, words] of [[edits, /A newer state came .*: capsule destroyed/], [digests, /Part of a digest/]]) {
			await go(page, `channels/${id}`);
			await page.locator(".delivery-line", { hasText: "in another message" }).first().click();
			await page.locator(".row-detail").getByText(words).waitFor();
		}
		await go(page, `channels/${channels["my-webhook"]}`);
		await page.getByRole("heading", { name: "my-webhook" }).waitFor();
	},
	async "edited, with its settings replaced"() {
		await page.getByRole("button", { name: "Edit" }).click();
		await page.getByRole("dialog").locator("input[name=name]").fill("ops room");
		await page.getByLabel("One message for each capsule").check();
		await page.getByLabel("When it fails").selectOption({ label: "my-slack takes over" });
		await page.getByLabel("After").selectOption("30");
		await page.getByRole("button", { name: "Save" }).click();
		await page.getByRole("heading", { name: "ops-room" }).waitFor();
		await page.getByText("one message for each capsule · another channel takes over after 30 min").waitFor();
		await page.getByRole("link", { name: "Replace settings" }).click();
		await page.locator("input[name=url]").fill(wishes.destinations.webhook.config.url);
		await page.getByRole("button", { name: "Replace the settings" }).click();
		await page.getByText("uses the new settings").waitFor();
		await page.locator(".crumb").click();
	},
	async "failing: since when, why, and when it is tried again"() {
		await breakIt(wishes.destinations.slack.name, { status: 500, body: "overloaded" });
		await publish(capsuleEvent("capsule.create", capsule(10)));
		await go(page, "channels");
		const card = page.locator(".channel-card", { hasText: "my-slack" });
		await card.getByText(/Failing since .*500/).waitFor();
		await card.locator(".pill.bad").waitFor();
		await card.getByRole("link", { name: "my-slack" }).click();
		await page.locator(".notice.bad", { hasText: "in a row" }).waitFor();
		// What the service says once the breaker is open. To get there for real takes minutes.
		await page.route("**/v1/channels/*/health", async (route) => {
			const answer = await route.fetch();
			const health = await answer.json();
			Object.assign(health.breaker, { state: "open", failures: 5, until: new Date(Date.now() + 25_000).toISOString() });
			await route.fulfill({ response: answer, json: { ...health, state: "failing" } });
		});
		await page.locator(".head-side .pill.bad", { hasText: "Paused" }).waitFor();
		await page.getByText(/5 failures in a row. Paused; next attempt in \d+ s/).waitFor();
		await page.unroute("**/v1/channels/*/health");
		await repair();
		await go(page, "channels");
		await page.locator(".channel-card", { hasText: "ops-room" }).getByRole("link", { name: "ops-room" }).click();
	},
	async "deleted, with what is lost named"() {
		await page.getByRole("button", { name: "Delete" }).click();
		await page.getByText("its list of deliveries and attempts").waitFor();
		await page.getByRole("button", { name: "Delete it" }).click();
		await page.getByRole("heading", { name: "Channels" }).waitFor();
		await until(async () => (await page.locator(".channel-card").count()) === 6, "six that are left");
	},
});
