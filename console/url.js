// SPDX-License-Identifier: Apache-2.0
// Addresses as text: the page's, and those of the API. It imports nothing, because the first request waits for it.

/** Where the API is, seen from the address of the console. */
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

/** As it is when it is not well formed: somebody typed it. @param {string} text */
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

/** What is shown: pages and filters are in the fragment. @returns {Place} */
export function placeNow() {
	const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
	const [page = "", ...rest] = path.split("/").map(decoded);
	return { page: page || "live", rest, query: new URLSearchParams(query ?? "") };
}
