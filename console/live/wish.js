// SPDX-License-Identifier: Apache-2.0
// What the address wishes of the stream.
import { place } from "../address.js";
import { isOperator } from "../session.js";
import { feed } from "./feed.js";

export const RANGES = /** @type {const} */ ({ "5m": 5, "15m": 15, "1h": 60, "6h": 360 });
const RANGE = "15m";

export function wishes() {
	const { query } = place.value;
	const get = (/** @type {string} */ name) => query.get(name) ?? "";
	const range = /** @type {keyof RANGES} */ (get("range") in RANGES ? get("range") : RANGE);
	return {
		kind: get("event"),
		resource: get("resource"),
		outcome: get("outcome"),
		text: get("text"),
		open: get("open"),
		everyone: get("teams") === "all",
		range,
	};
}

/** Follows the stream that is wished for. */
export function followWish() {
	const { kind, resource, outcome, range, everyone } = wishes();
	const path = everyone && isOperator.value ? "admin/events/stream" : "events/stream";
	// Volumes and misses come only where they are named.
	const event = kind || "*,volume.*,wrenn.*,capsule.state.changed";
	feed.follow(path, { event, resource, outcome, since: range });
}
