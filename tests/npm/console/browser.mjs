// SPDX-License-Identifier: Apache-2.0
// A browser that watches the console: an error in its console, an unhandled rejection, a request to another origin or a
// Content-Security-Policy report fails the walk. Starting a browser and opening a context cost more than most walks, so one process runs
// several walks (run.mjs), and their pages share a context where they can. tests/integration/test_console.py passes them what they need.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { promisify } from "node:util";
import { chromium } from "playwright-core";

/** What the walk that runs now needs to know. */
export const wishes = {};
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const WAIT_MS = 60_000;

const ZONE = "Europe/Berlin";

const browser = await chromium.launch({
	executablePath: process.env.WRENN_TEST_BROWSER,
	// The pages of a context share a process, too.
	args: ["--process-per-site", ...(process.getuid() === 0 ? ["--no-sandbox"] : [])],
});

/** What no page may do; filled while pages are open. */
const faults = [];
/** Errors that a test causes on purpose, such as the words of Chromium for a lost connection. */
const expected = [];

export function expectFault(pattern) {
	expected.push(pattern);
}

function fault(text) {
	if (!expected.some((pattern) => pattern.test(text))) faults.push(text);
}

/** Where cookies and the cache are shared, as between the tabs of a browser; and the tab that keeps its process alive. */
let shared;
let keeper;

async function newContext(zone, cookies) {
	const context = await browser.newContext({ timezoneId: zone, reducedMotion: "reduce", acceptDownloads: true, ignoreHTTPSErrors: true });
	context.setDefaultTimeout(WAIT_MS);
	if (cookies.length) await context.addCookies(cookies);
	return context;
}

async function sharedContext() {
	if (shared) return shared;
	shared = await newContext(ZONE, []);
	keeper = await shared.newPage();
	await keeper.goto(`${wishes.base}/console/icon.svg`);
	return shared;
}

/**
 * A page in a tab of its own, so the key is not shared with the others. With cookies, in another zone or `alone` it is in a browser
 * of its own. `first` runs in the page before its scripts.
 */
export async function open({ path = "", key = wishes.key, width = 1440, height = 900, scheme = "light", base = wishes.base, cookies = [], first = null, zone = ZONE, alone = false } = {}) {
	const isOwn = alone || cookies.length || zone !== ZONE;
	const context = isOwn ? await newContext(zone, cookies) : await sharedContext();
	const page = await context.newPage();
	await page.setViewportSize({ width, height });
	await page.emulateMedia({ colorScheme: scheme });
	page.on("console", (message) => ["error", "warning"].includes(message.type()) && fault(`console: ${message.text()}`));
	page.on("pageerror", (error) => fault(`unhandled: ${error.stack}`));
	page.on("request", (request) => {
		if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(`${base}/`)) fault(`a request to ${request.url()}`);
	});
	await page.exposeFunction("reportPolicy", (text) => fault(`policy: ${text}`));
	await page.addInitScript(() => {
		addEventListener("securitypolicyviolation", (event) => window.reportPolicy(`${event.violatedDirective} ${event.blockedURI}`));
	});
	if (first) await page.addInitScript(first);
	await page.goto(`${base}/console/${key ? `#key=${key}` : ""}`);
	if (key) await page.waitForFunction(() => !location.hash.includes("key="));
	if (path) await go(page, path);
	return page;
}

/** The cookies that `sessions create` prints. */
export function cookiesOf(lines) {
	return lines.map((line) => {
		const [name, value] = line.split("=");
		return { name, value, url: wishes.base };
	});
}

export async function go(page, path) {
	await page.evaluate((hash) => (location.hash = hash), `#/${path}`);
}

/** What was wrong until now, which then counts no more. Only for the steps that see the watch itself fail. */
export function takeFaults() {
	return faults.splice(0).join("\n");
}

/** axe-core's rules that look at colors or boxes: the others find in one theme and on one screen what they find on the others. */
const OF_LOOKS = { runOnly: ["color-contrast", "link-in-text-block", "scrollable-region-focusable", "target-size"] };

/** In both themes and on both sizes of screens: axe-core finds nothing, and nothing is beyond the edge. */
export async function looksGood(page, what) {
	for (const [width, height] of [[320, 700], [1440, 900]]) {
		await page.setViewportSize({ width, height });
		await page.emulateMedia({ colorScheme: "dark" });
		await axe(page, `${what}, dark, ${width}`, OF_LOOKS);
		await page.emulateMedia({ colorScheme: "light" });
		await axe(page, `${what}, light, ${width}`, width === 320 ? OF_LOOKS : {});
		const beyond = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
		check(beyond <= 0, `${what}, ${width}: ${beyond} px are beyond the edge`);
	}
}

/** Fails with what axe-core finds on the page, or in the dialog while one is open: the page under it cannot be reached then. */
async function axe(page, what, options = {}) {
	// Through the devtools protocol: the policy lets no script in by another way.
	if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(AXE);
	const run = (some) => window.axe.run(document.querySelector("dialog") ?? document, some);
	const { violations } = await page.evaluate(run, { ...options, resultTypes: ["violations"] });
	for (const { id, nodes } of violations) fault(`axe, ${what}: ${id}: ${nodes[0].html.slice(0, 200)} ${nodes[0].failureSummary}`);
}

export function check(condition, text) {
	if (!condition) throw new Error(text);
}

export async function until(condition, text) {
	const end = Date.now() + WAIT_MS;
	for (;;) {
		if (await condition()) return;
		check(Date.now() < end, `timed out: ${text}`);
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
}

/** Publishes events as the control plane does. Answers their stream ids. */
export async function publish(...events) {
	const text = events.map((event) => JSON.stringify({ timestamp: `${new Date().toISOString().slice(0, 19)}Z`, team_id: wishes.team, actor: { type: "user", id: `usr-${"0".repeat(25)}`, name: "Ada" }, ...event })).join("\n");
	const run = promisify(execFile)(wishes.program, ["publish", "-"], { env: { PATH: process.env.PATH, REDIS_URL: wishes.redis } });
	run.child.stdin.end(text + "\n");
	return (await run).stdout.trim().split("\n");
}

export function capsuleEvent(kind, id, more = {}) {
	return { event: kind, outcome: "success", resource: { id, type: "sandbox" }, ...more };
}

/** The destination answers so from now on, until repair(). */
export async function breakIt(destination, answer) {
	const done = await fetch(`${wishes.fake}/_script`, { method: "POST", body: JSON.stringify({ destination, times: 0, ...answer }) });
	check(done.ok, `the fake did not take the script: ${done.status}`);
}

/** Every destination answers as it should. */
export async function repair() {
	const done = await fetch(`${wishes.fake}/_reset`, { method: "POST" });
	check(done.ok, `the fake was not repaired: ${done.status}`);
}

/** Runs the steps, each with its name. Throws what is wrong. */
export async function walk(steps) {
	for (const [name, step] of Object.entries(steps)) {
		let failed = "";
		try {
			await step();
		} catch (error) {
			failed = `${name}: ${error.stack}`;
		}
		if (faults.length) failed = `${failed}\n${name}: ${faults.join("\n")}`;
		if (failed) throw new Error(failed);
	}
}

/** The next walk begins with this knowledge, and without a page. */
export async function begin(known) {
	for (const context of browser.contexts()) {
		if (context !== shared) await context.close();
		else for (const page of context.pages()) if (page !== keeper) await page.close();
	}
	faults.length = expected.length = 0;
	for (const name of Object.keys(wishes)) delete wishes[name];
	Object.assign(wishes, known);
}

export function end() {
	return browser.close();
}
