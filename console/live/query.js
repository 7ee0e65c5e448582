// SPDX-License-Identifier: Apache-2.0
// What an address asks of the stream. It imports nothing, because the first request waits for it.

export const RANGES = /** @type {const} */ ({ "5m": 5, "15m": 15, "1h": 60, "6h": 360 });
const RANGE = "15m";

/** @param {URLSearchParams} query */
export function wishesIn(query) {
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

/** @param {ReturnType<typeof wishesIn>} wishes @returns {Query} */
export function streamQuery({ kind, resource, outcome, range }) {
	// Volumes and misses come only where they are named.
	return { event: kind || "*,volume.*,wrenn.*,capsule.state.changed", resource, outcome, since: range };
}
