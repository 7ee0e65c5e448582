// SPDX-License-Identifier: Apache-2.0
// Who is signed in. The key comes from the address (#key=…, removed at once) or the form, and is kept for this tab only.
import { signal } from "./vendor/signals.js";

const KEPT = "wrenn-key";
const KEY_FIELD = "X-API-Key";
const WELL_FORMED = /^wrn_[0-9a-f]{32}$/;

/** The API key, or "" for the cookie of a session. */
let key = "";

/** Whoever has a key or a session is in, until an answer refuses it. @type {SignalOf<"out" | "in">} */
export const signedIn = signal("out");
/** Why one was signed out; "" if one did it oneself. */
export const signedOutBecause = signal("");
/** May this person see the operator's page? */
export const isOperator = signal(false);

/** Takes the key out of the address before anything else looks at it. True if the address had one. */
export function takeKey() {
	const found = /^#key=([^&]*)/.exec(location.hash);
	if (found) {
		history.replaceState(null, "", location.pathname + location.search + "#/live");
		if (WELL_FORMED.test(found[1])) sessionStorage.setItem(KEPT, found[1]);
	}
	key = sessionStorage.getItem(KEPT) ?? "";
	return found !== null;
}

/** @param {string} text */
export function isKey(text) {
	return WELL_FORMED.test(text);
}

/** @param {string} text */
export function keepKey(text) {
	key = text;
	sessionStorage.setItem(KEPT, text);
}

/** @param {string} [why] */
export function forgetKey(why = "") {
	key = "";
	sessionStorage.removeItem(KEPT);
	signedOutBecause.value = why;
	signedIn.value = "out";
	isOperator.value = false;
}

/**
 * Signs out because an answer refused these header fields; not whoever has signed in since they were sent.
 * @param {Record<string, string>} sent
 * @param {string} why
 */
export function forgetRefused(sent, why) {
	if ((sent[KEY_FIELD] ?? "") === key) forgetKey(why);
}

export function hasKey() {
	return key !== "";
}

/** Whether the control plane's session may be there: its other cookie cannot be read from here. */
export function hasSession() {
	return csrfToken() !== "";
}

function csrfToken() {
	return /(?:^|; )wrenn_csrf=([^;]*)/.exec(document.cookie)?.[1] ?? "";
}

/**
 * The header fields that say who asks.
 * @param {boolean} changes
 * @returns {Record<string, string>}
 */
export function credentials(changes) {
	if (key) return { [KEY_FIELD]: key };
	return changes ? { "X-CSRF-Token": csrfToken() } : {};
}
