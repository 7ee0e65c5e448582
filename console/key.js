// SPDX-License-Identifier: Apache-2.0
// The key comes from the address (#key=…, removed at once) or the form, and is kept for this tab only.

const KEPT = "wrenn-key";
const KEY_FIELD = "X-API-Key";
const WELL_FORMED = /^wrn_[0-9a-f]{32}$/;

/** The API key, or "" for the cookie of a session. */
let key = "";

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

export function dropKey() {
	key = "";
	sessionStorage.removeItem(KEPT);
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

/** Whether these header fields say who is signed in now. @param {Record<string, string>} sent */
export function isMine(sent) {
	return (sent[KEY_FIELD] ?? "") === key;
}
