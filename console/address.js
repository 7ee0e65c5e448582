// SPDX-License-Identifier: Apache-2.0
// The address: which page is shown, and with which filters. Pages are in the fragment, so any prefix of a proxy will do.
import { takeKey } from "./key.js";
import { placeNow } from "./early.js";
import { signal } from "./vendor/signals.js";

/** @type {SignalOf<import("./early.js").Place>} */
export const place = signal(placeNow());

export function followAddress() {
	place.value = placeNow();
	addEventListener("hashchange", () => {
		// A link with a key, opened in this tab. Nothing of the one who was signed in may stay.
		if (takeKey()) location.reload();
		else place.value = placeNow();
	});
}

/**
 * @param {string} path
 * @param {Record<string, string | undefined>} [query]
 */
export function href(path, query = {}) {
	const search = new URLSearchParams();
	for (const [name, value] of Object.entries(query)) if (value) search.set(name, value);
	const text = search.toString();
	return `#/${path}${text ? `?${text}` : ""}`;
}

/** @param {string} path @param {Record<string, string | undefined>} [query] */
export function go(path, query) {
	location.hash = href(path, query);
}

/**
 * Changes filters of the page that is shown, without a step for the button "back".
 * @param {Record<string, string | undefined>} changes
 */
export function setQuery(changes) {
	const query = Object.fromEntries(place.value.query);
	const { page, rest } = place.value;
	history.replaceState(null, "", href([page, ...rest].map(encodeURIComponent).join("/"), { ...query, ...changes }));
	place.value = placeNow();
}
