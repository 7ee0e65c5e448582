// SPDX-License-Identifier: Apache-2.0
// The only reader of the live stream. Uses fetch, since EventSource sends no key. The cursor moves after an event is handed on, so a broken
// connection neither loses nor repeats an event.
import { openStream } from "./early.js";
import { forgetRefused } from "./session.js";

/**
 * @typedef {object} Condition
 * @property {"connecting" | "live" | "stale" | "lost" | "closed"} phase
 * @property {string} [why]
 * @property {number} [retryAt] when it is tried again
 */
/**
 * @typedef {object} Handlers
 * @property {(event: StreamEvent, id: string | undefined) => void} onEvent
 * @property {(condition: Condition) => void} onCondition
 * @property {(oldest: string | undefined) => void} onGap events are lost; the replay begins at `oldest`
 */
/** @typedef {{name: string, data: string, id: string | undefined}} Frame */

const RETRY_MS = 2000;
const RETRY_MAX_MS = 30_000;
/** The service sends something at least every 15 s; after this silence the connection is taken for dead. */
const SILENCE_MS = 45_000;
const REFUSED = new Set([400, 401, 403, 404]);

/** Splits the bytes of a stream into frames and comments. */
class Parser {
	/** @param {(frame: Frame) => void} onFrame @param {(text: string) => void} onComment @param {(ms: number) => void} onRetry */
	constructor(onFrame, onComment, onRetry) {
		this.onFrame = onFrame;
		this.onComment = onComment;
		this.onRetry = onRetry;
		this.rest = "";
		this.name = "";
		/** @type {string[]} */
		this.data = [];
		/** @type {string | undefined} */
		this.id = undefined;
	}

	clear() {
		this.name = "";
		this.data = [];
		this.id = undefined;
	}

	/** @param {string} text */
	push(text) {
		const lines = (this.rest + text).split("\n");
		this.rest = lines.pop() ?? "";
		for (const line of lines) this.line(line.endsWith("\r") ? line.slice(0, -1) : line);
	}

	/** @param {string} line */
	line(line) {
		if (line === "") {
			if (this.data.length || this.id !== undefined)
				this.onFrame({ name: this.name, data: this.data.join("\n"), id: this.id });
			this.clear();
			return;
		}
		const colon = line.indexOf(":");
		const field = colon < 0 ? line : line.slice(0, colon);
		const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
		if (field === "") this.onComment(value);
		else if (field === "event") this.name = value;
		else if (field === "data") this.data.push(value);
		else if (field === "id") this.id = value;
		else if (field === "retry") this.onRetry(Number(value));
	}
}

/** One stream, opened again for as long as it is wanted. */
export class Stream {
	/**
	 * @param {string} path below /v1/
	 * @param {Query} query
	 * @param {Handlers} handlers
	 */
	constructor(path, query, handlers) {
		this.path = path;
		this.query = query;
		this.handlers = handlers;
		this.cursor = "";
		this.retryMs = RETRY_MS;
		this.failures = 0;
		this.reason = "";
		this.controller = new AbortController();
		this.wake = () => {};
		this.heard = 0;
		this.onOnline = () => this.retryNow();
		addEventListener("online", this.onOnline);
		this.run();
	}

	close() {
		this.controller.abort();
		this.wake();
		removeEventListener("online", this.onOnline);
	}

	retryNow() {
		this.wake();
	}

	get closed() {
		return this.controller.signal.aborted;
	}

	/** @param {Condition} condition */
	say(condition) {
		if (!this.closed) this.handlers.onCondition(condition);
	}

	async run() {
		while (!this.closed) {
			if (!this.failures) this.say({ phase: "connecting" });
			this.reason = "";
			try {
				if (!(await this.connect())) return;
			} catch (error) {
				// Whatever broke the connection, the answer is the same: go on from the cursor.
				if (!this.reason) this.reason = error instanceof TypeError ? "the connection broke" : String(error);
			}
			if (this.closed) return;
			this.failures++;
			const pause = Math.min(this.retryMs * 2 ** Math.min(this.failures - 1, 4), RETRY_MAX_MS);
			this.say({
				phase: "lost",
				why: this.reason || "the service closed the stream",
				retryAt: Date.now() + pause,
			});
			await this.sleep(pause);
		}
	}

	/** Until the time is over, or somebody wakes it. @param {number} ms */
	async sleep(ms) {
		let timer = 0;
		await new Promise((/** @type {(value?: unknown) => void} */ resolve) => {
			this.wake = resolve;
			timer = setTimeout(resolve, ms);
		});
		clearTimeout(timer);
	}

	/** Reads until the stream ends. False: it will never work. */
	async connect() {
		const { attempt, headers, answer: coming } = openStream(this.path, this.query, this.cursor);
		const giveUp = () => attempt.abort();
		this.controller.signal.addEventListener("abort", giveUp);
		this.heard = Date.now();
		const watch = setInterval(() => {
			if (Date.now() - this.heard <= SILENCE_MS) return;
			this.reason = `the service sent nothing for ${SILENCE_MS / 1000} seconds`;
			attempt.abort();
		}, 5000);
		try {
			const answer = await coming;
			if (!answer.ok || !answer.body) return await this.refused(answer, headers);
			await this.read(answer.body);
			return true;
		} finally {
			clearInterval(watch);
			this.controller.signal.removeEventListener("abort", giveUp);
		}
	}

	/** @param {Response} answer @param {Record<string, string>} sent */
	async refused(answer, sent) {
		const problem = await answer.json().catch(() => null);
		this.reason = problem?.error?.message ?? `the service answered ${answer.status}`;
		if (!REFUSED.has(answer.status)) return true;
		this.say({ phase: "closed", why: this.reason });
		if (answer.status === 401) forgetRefused(sent, this.reason);
		return false;
	}

	/** @param {ReadableStream<Uint8Array<ArrayBuffer>>} body */
	async read(body) {
		const parser = new Parser(
			(frame) => this.frame(frame),
			(text) => this.comment(text),
			(ms) => {
				if (ms > 0) this.retryMs = ms;
			},
		);
		const reader = body.pipeThrough(new TextDecoderStream()).getReader();
		for (;;) {
			const { done, value } = await reader.read();
			if (done || this.closed) return;
			this.heard = Date.now();
			parser.push(value);
		}
	}

	/** @param {string} text */
	comment(text) {
		if (text === "keepalive") return;
		if (text === "source lost") this.say({ phase: "stale", why: "Redis cannot be reached" });
		else if (text === "source back") this.say({ phase: "live" });
		else this.reason = text.replace(/, reconnect with your cursor$/, "");
	}

	/** @param {Frame} frame */
	frame(frame) {
		if (frame.data) {
			const event = JSON.parse(frame.data);
			if (event.event === "connected") this.connected(event);
			else this.handlers.onEvent(event, frame.id);
		}
		if (frame.id) this.cursor = frame.id;
	}

	/** @param {StreamEvent} event */
	connected(event) {
		this.failures = 0;
		if (event.gap) this.handlers.onGap(event.metadata?.oldest);
		this.say(event.metadata?.stale ? { phase: "stale", why: "Redis cannot be reached" } : { phase: "live" });
	}
}
