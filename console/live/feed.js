// SPDX-License-Identifier: Apache-2.0
// The events that have arrived, newest last, and what is drawn from them. What arrives is collected and shown once a frame.
import { place } from "../address.js";
import { streamQuery, wishesIn } from "../early.js";
import { timeOfId } from "../format.js";
import { isOperator, signedIn } from "../session.js";
import { Stream } from "../stream.js";
import { signal } from "../vendor/signals.js";
import { Lanes } from "./lane_model.js";

/**
 * @typedef {object} Item
 * @property {number} seq counts up; the name of a row
 * @property {number} at ms
 * @property {string | undefined} id missing for states
 * @property {StreamEvent} event
 * @property {string} words what a search looks through, in small letters
 */
/** @typedef {{done: number, failed: number}} Minute */

const KEEP = 5000;
const CUT_AT = KEEP + 500;
const MINUTE_MS = 60_000;

class Feed {
	constructor() {
		/** @type {Item[]} */
		this.items = [];
		/** Moves once a frame when something came. */
		this.version = signal(0);
		/** @type {SignalOf<import("../stream.js").Condition>} */
		this.condition = signal({ phase: "connecting" });
		/** A gap that was reported, and where the replay begins. @type {SignalOf<{oldest?: string} | null>} */
		this.gap = signal(null);
		this.total = 0;
		/** @type {Map<number, Minute>} */
		this.minutes = new Map();
		this.lanes = new Lanes();
		/** @type {Item[]} */
		this.fresh = [];
		this.frame = 0;
		/** @type {Stream | null} */
		this.stream = null;
		this.name = "";
	}

	/**
	 * Follows the stream with these filters; the same filters go on with what is there.
	 * @param {string} path
	 * @param {Query} query
	 */
	follow(path, query) {
		const name = JSON.stringify([path, query]);
		if (this.stream && name === this.name) return;
		this.stop();
		this.name = name;
		this.stream = new Stream(path, query, {
			onEvent: (event, id) => this.take(event, id),
			onCondition: (condition) => (this.condition.value = condition),
			onGap: (oldest) => {
				this.gap.value = { oldest };
			},
		});
	}

	stop() {
		this.stream?.close();
		this.stream = null;
		cancelAnimationFrame(this.frame);
		this.frame = 0;
		this.items = [];
		this.fresh = [];
		this.minutes.clear();
		this.lanes = new Lanes();
		this.total = 0;
		this.gap.value = null;
		this.condition.value = { phase: "connecting" };
		this.version.value++;
	}

	retryNow() {
		this.stream?.retryNow();
	}

	/** @param {StreamEvent} event @param {string | undefined} id */
	take(event, id) {
		const at = id ? timeOfId(id).getTime() : Date.now();
		const { resource, actor } = event;
		const words = [
			event.event,
			resource?.id,
			actor?.name,
			actor?.id,
			event.outcome,
			event.error,
			...Object.values(event.metadata ?? {}),
		]
			.join(" ")
			.toLowerCase();
		const item = { seq: this.total++, at, id, event, words };
		this.fresh.push(item);
		this.lanes.take(item);
		if (event.event !== "capsule.state.changed") this.countMinute(item);
		// A hidden page paints no frames; it must not collect without end.
		if (this.fresh.length > CUT_AT) this.show();
		else if (!this.frame) this.frame = requestAnimationFrame(() => this.show());
	}

	/** @param {Item} item */
	countMinute({ at, event }) {
		const start = Math.floor(at / MINUTE_MS);
		const minute = this.minutes.get(start) ?? { done: 0, failed: 0 };
		if (event.outcome === "error") minute.failed++;
		else minute.done++;
		this.minutes.set(start, minute);
		if (this.minutes.size > 24 * 60 + 10)
			this.minutes.delete(/** @type {number} */ (this.minutes.keys().next().value));
	}

	show() {
		this.frame = 0;
		for (const item of this.fresh) this.items.push(item);
		this.fresh = [];
		if (this.items.length > CUT_AT) this.items.splice(0, this.items.length - KEEP);
		this.version.value++;
	}
}

export const feed = new Feed();

export function followWish() {
	const wish = wishesIn(place.value.query);
	feed.follow(wish.everyone && isOperator.value ? "admin/events/stream" : "events/stream", streamQuery(wish));
}

// The next user to sign in may belong to another team.
signedIn.subscribe((state) => {
	if (state === "out") feed.stop();
});
