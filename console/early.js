// SPDX-License-Identifier: Apache-2.0
// The request that opens a stream. The first one is sent before the modules that read its answer have arrived.
import { credentials } from "./key.js";
import { address } from "./url.js";

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
	// Whoever takes it hears of the failure.
	early.answer.catch(() => {});
}

/** The one that was opened early, if it is the one that is wanted; a new one otherwise. @param {string} path @param {Query} query @param {string} cursor */
export function openStream(path, query, cursor) {
	const found = early;
	early = null;
	if (found && !cursor && found.url === address(path, query).href) return found;
	found?.attempt.abort();
	return open(path, query, cursor);
}
