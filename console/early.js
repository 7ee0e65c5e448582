// SPDX-License-Identifier: Apache-2.0
// Addresses as text, and the request that opens a stream, sent before the modules that read the answer have arrived.
import { credentials } from "./key.js";

const API = new URL("../v1/", new URL(".", location.href));

/**
 * @param {string} path below /v1/
 * @param {Query} [query]
 */
export function address(path, query = {}) {
	const url = new URL(path, API);
	for (const [name, value] of Object.entries(query)) {
		if (value !== undefined && value !== "") url.searchParams.set(name, String(value));
	}
	return url;
}

/** Somebody may have typed it. @param {string} text */
function decoded(text) {
	try {
		return decodeURIComponent(text);
	} catch {
		return text;
	}
}

/**
 * @typedef {object} Place
 * @property {string} page the first part of the path
 * @property {string[]} rest the other parts
 * @property {URLSearchParams} query
 */

/** Pages and filters are in the fragment. @returns {Place} */
export function placeNow() {
	const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
	const [page = "", ...rest] = path.split("/").map(decoded);
	return { page: page || "live", rest, query: new URLSearchParams(query ?? "") };
}

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
	// Some kinds come only where they are named.
	return { event: kind || "*,volume.*,wrenn.*,audit.*,capsule.state.changed", resource, outcome, since: range };
}

/**
 * @typedef {object} Opening
 * @property {string} url
 * @property {Record<string, string>} headers
 * @property {AbortController} attempt ends it
 * @property {Promise<Response>} answer
 */

/** @type {Opening | null} */
let early = null;

/** @param {string} path below /v1/ @param {Query} query @param {string} cursor "" for the beginning @returns {Opening} */
function open(path, query, cursor) {
	const url = address(path, cursor ? { ...query, since: undefined } : query).href;
	/** @type {Record<string, string>} */
	const headers = { ...credentials(false), Accept: "text/event-stream" };
	if (cursor) headers["Last-Event-ID"] = cursor;
	const attempt = new AbortController();
	return { url, headers, attempt, answer: fetch(url, { headers, signal: attempt.signal, cache: "no-store" }) };
}

/** @param {string} path @param {Query} query */
export function openEarly(path, query) {
	early = open(path, query, "");
	early.answer.catch(() => {});
}

/** The one that was opened early, if it is wanted. @param {string} path @param {Query} query @param {string} cursor */
export function openStream(path, query, cursor) {
	const found = early;
	early = null;
	if (found && !cursor && found.url === address(path, query).href) return found;
	found?.attempt.abort();
	return open(path, query, cursor);
}
